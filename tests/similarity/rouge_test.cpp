#include "similarity/rouge.h"

#include <map>

#include "core/error.h"
#include "similarity/texts.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::close;
using Views = std::vector<std::u32string_view>;

RougeScore score(RougeKind kind, std::u32string_view hypothesis, const Views& references,
                 int64_t order = 1, bool use_stemmer = false) {
  return Rouge({kind, order, use_stemmer}, references).score(hypothesis);
}

bool equal(const RougeScore& score, double precision, double recall) {
  const double sum = precision + recall;
  return close(score.precision, precision) && close(score.recall, recall) &&
         close(score.f1, sum > 0 ? 2 * precision * recall / sum : 0);
}

TEST_CASE("rouge-n: clipped n-gram matches by hand", "[similarity]") {
  CHECK(equal(score(RougeKind::kNgram, U"the cat sat", {U"the cat"}), 2.0 / 3, 1));
  CHECK(equal(score(RougeKind::kNgram, U"the cat sat", {U"the cat"}, 2), 1.0 / 2, 1));
  CHECK(equal(score(RougeKind::kNgram, U"the cat sat", {U"the cat"}, 3), 0, 0));
  // "the" twice in the reference.
  CHECK(equal(score(RougeKind::kNgram, U"the the the", {U"the cat the"}), 2.0 / 3, 2.0 / 3));
}

TEST_CASE("rouge-l: longest common subsequence by hand", "[similarity]") {
  CHECK(equal(score(RougeKind::kLcs, U"a c b", {U"a b c"}), 2.0 / 3, 2.0 / 3));
  // Lin 2004, section 3.1: both share three words in order or two.
  CHECK(equal(score(RougeKind::kLcs, U"police kill the gunman", {U"police killed the gunman"}),
              3.0 / 4, 3.0 / 4));
  CHECK(equal(score(RougeKind::kLcs, U"the gunman kill police", {U"police killed the gunman"}),
              2.0 / 4, 2.0 / 4));
}

TEST_CASE("rouge-lsum: the union of the lines' subsequences", "[similarity]") {
  // Lin 2004, section 3.2: w1 w2 and w1 w3 w5 unite to four of five words; ten in the hypothesis.
  CHECK(equal(score(RougeKind::kLsum, U"w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", {U"w1 w2 w3 w4 w5"}),
              4.0 / 10, 4.0 / 5));
  // A word counts once for each time that the hypothesis has it.
  CHECK(equal(score(RougeKind::kLsum, U"a", {U"a\na"}), 1, 1.0 / 2));
  // Empty lines are no lines; the order of lines does not matter.
  CHECK(equal(score(RougeKind::kLsum, U"c d\n\na b", {U"a b\nc d"}), 1, 1));
  CHECK(score(RougeKind::kLsum, U"a b\nc d", {U"c d\na b"}).f1 == 1.0);
  CHECK(equal(score(RougeKind::kLcs, U"a b\nc d", {U"c d\na b"}), 1.0 / 2, 1.0 / 2));
}

TEST_CASE("rouge: words are runs of a-z and 0-9 in lower case", "[similarity]") {
  CHECK(equal(score(RougeKind::kNgram, U"It's 3.14!", {U"it s 3 14"}), 1, 1));
  CHECK(equal(score(RougeKind::kNgram, U"na\u00EFve", {U"na ve"}), 1, 1));
  CHECK(equal(score(RougeKind::kNgram, U"\u212Am", {U"km"}), 1, 1));  // Kelvin's sign is a k
  CHECK(equal(score(RougeKind::kNgram, U"\u4F60\u597D", {U"\u4F60\u597D"}), 0, 0));
  CHECK(equal(score(RougeKind::kLcs, U"", {U"a"}), 0, 0));
  CHECK(equal(score(RougeKind::kLcs, U"a", {U""}), 0, 0));
  CHECK(equal(score(RougeKind::kLsum, U"\n", {U""}), 0, 0));
}

TEST_CASE("rouge: the stemmer works on words of more than three letters", "[similarity]") {
  CHECK(equal(score(RougeKind::kLcs, U"Running cities", {U"runs city"}, 1, false), 0, 0));
  CHECK(equal(score(RougeKind::kLcs, U"Running cities", {U"runs city"}, 1, true), 1, 1));
  // "has" would be "ha".
  CHECK(equal(score(RougeKind::kLcs, U"has", {U"ha"}, 1, true), 0, 0));
}

TEST_CASE("rouge: of several references the best counts, of equals the first", "[similarity]") {
  CHECK(equal(score(RougeKind::kNgram, U"a b", {U"x", U"a b c d"}), 1, 1.0 / 2));
  // F1 2/3 both times: P = 1/2, R = 1 of "a"; P = 1, R = 1/2 of "a b c d".
  CHECK(equal(score(RougeKind::kNgram, U"a b", {U"a", U"a b c d"}), 1.0 / 2, 1));
  CHECK(equal(score(RougeKind::kNgram, U"a b", {U"a b c d", U"a"}), 1, 1.0 / 2));
}

TEST_CASE("rouge: which texts it is blind to", "[similarity]") {
  CHECK(Rouge::is_blind_to(U"\u4F60\u597D"));
  CHECK(Rouge::is_blind_to(U"\u043F\u0440\u0438\u0432\u0435\u0442!"));
  CHECK_FALSE(Rouge::is_blind_to(U"\u4F60\u597D 3"));
  CHECK_FALSE(Rouge::is_blind_to(U"A"));
  CHECK_FALSE(Rouge::is_blind_to(U"?! "));
  CHECK_FALSE(Rouge::is_blind_to(U""));
}

TEST_CASE("rouge: no reference is a programmer error", "[similarity]") {
  CHECK(test::contains(test::message_of<InternalError>([] { Rouge({}, {}); }), "no reference"));
}

TEST_CASE("rouge: symmetry, identity, range, more references hold on random sentences",
          "[similarity]") {
  std::mt19937 random(19);
  for (int round = 0; round < 500; ++round) {
    const auto a = U"the " + test::random_sentence(random, random() % 12);
    const auto b = test::random_sentence(random, random() % 12);
    const auto c = test::random_sentence(random, random() % 12);
    const bool stemmer = round % 2 == 0;
    for (const auto kind : {RougeKind::kNgram, RougeKind::kLcs, RougeKind::kLsum}) {
      const RougeScore ab = score(kind, a, {b}, 1, stemmer);
      const RougeScore ba = score(kind, b, {a}, 1, stemmer);
      INFO(round);
      CHECK(ab.precision >= 0);
      CHECK(ab.precision <= 1);
      CHECK(ab.recall >= 0);
      CHECK(ab.recall <= 1);
      CHECK(ab.f1 <= std::max(ab.precision, ab.recall) * (1 + 1e-12));
      CHECK(score(kind, a, {a}, 1, stemmer).f1 == 1.0);
      CHECK(score(kind, a, {b, c}, 1, stemmer).f1 ==
            std::max(ab.f1, score(kind, a, {c}, 1, stemmer).f1));
      if (kind != RougeKind::kLsum) {  // the clip by lines looks from the reference
        CHECK(ab.precision == ba.recall);
        CHECK(ab.recall == ba.precision);
      }
    }
    // The subsequence of the whole texts is no longer than the multiset of common words.
    CHECK(score(RougeKind::kLcs, a, {b}).f1 <= score(RougeKind::kNgram, a, {b}).f1 * (1 + 1e-12));
  }
}

// rouge_score's union of longest common subsequences, cell by cell.
int64_t naive_union_hits(const std::vector<std::u32string>& reference,
                         const std::vector<std::u32string>& hypothesis) {
  std::map<char32_t, int64_t> in_reference;
  std::map<char32_t, int64_t> in_hypothesis;
  for (const auto& line : reference)
    for (const char32_t c : line) ++in_reference[c];
  for (const auto& line : hypothesis)
    for (const char32_t c : line) ++in_hypothesis[c];
  int64_t hits = 0;
  for (const auto& r : reference) {
    std::vector<bool> marked(r.size());
    for (const auto& h : hypothesis) {
      std::vector<std::vector<int>> t(r.size() + 1, std::vector<int>(h.size() + 1));
      for (size_t i = 1; i <= r.size(); ++i)
        for (size_t j = 1; j <= h.size(); ++j)
          t[i][j] = r[i - 1] == h[j - 1] ? t[i - 1][j - 1] + 1 : std::max(t[i - 1][j], t[i][j - 1]);
      for (size_t i = r.size(), j = h.size(); i > 0 && j > 0;) {
        if (r[i - 1] == h[j - 1]) {
          marked[--i] = true;
          --j;
        } else if (t[i][j - 1] > t[i - 1][j]) {
          --j;
        } else {
          --i;
        }
      }
    }
    for (size_t i = 0; i < r.size(); ++i)
      if (marked[i] && in_hypothesis[r[i]]-- > 0 && in_reference[r[i]]-- > 0) ++hits;
  }
  return hits;
}

TEST_CASE("rouge-lsum: equal to the definition on long random lines", "[similarity]") {
  std::mt19937 random(29);
  // One word for each letter.
  const auto text_of = [](const std::vector<std::u32string>& lines) {
    std::u32string text;
    for (const auto& line : lines) {
      for (const char32_t c : line) (text += c) += U' ';
      text += U'\n';
    }
    return text;
  };
  for (int round = 0; round < 60; ++round) {
    const size_t letters = 2 + random() % 20;
    const auto lines = [&] {
      std::vector<std::u32string> result;
      for (size_t i = 0; i <= random() % 4; ++i)
        result.push_back(
            test::random_text(random, random() % (round % 5 == 0 ? 600 : 150), letters, false));
      return result;
    };
    const auto reference = lines();
    const auto hypothesis = lines();
    const RougeScore found = score(RougeKind::kLsum, text_of(hypothesis), {text_of(reference)});
    int64_t length = 0;
    for (const auto& line : reference) length += static_cast<int64_t>(line.size());
    INFO(round);
    CHECK(std::llround(found.recall * static_cast<double>(length)) ==
          naive_union_hits(reference, hypothesis));
  }
}

TEST_CASE("rouge: one prepared reference serves several threads", "[similarity]") {
  std::mt19937 random(20);
  std::vector<std::u32string> texts;
  for (int i = 0; i < 60; ++i) texts.push_back(test::random_sentence(random, random() % 20));
  for (const auto kind : {RougeKind::kNgram, RougeKind::kLcs, RougeKind::kLsum}) {
    const Rouge prepared({kind, 2, true}, {texts[0], texts[1]});
    CHECK(test::same_in_threads(60, [&](int i) { return prepared.score(texts[size_t(i)]).f1; }));
  }
}

}  // namespace
}  // namespace pgtrain
