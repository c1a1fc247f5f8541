#include "similarity/edit_distance.h"

#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "similarity/texts.h"
#include "support/support.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using test::close;
using test::edited;
using test::random_text;
using Text = std::u32string;

constexpr EditKind kKinds[] = {EditKind::kLevenshtein, EditKind::kIndel, EditKind::kLcs,
                               EditKind::kOsa, EditKind::kDamerau};

// The prepared reference and the function for one pair must agree wherever this is used.
int64_t distance(EditKind kind, const Text& reference, const Text& hypothesis) {
  const int64_t result = EditDistance(kind, reference).distance(hypothesis);
  if (edit_distance(kind, reference, hypothesis) != result ||
      edit_distance(kind, hypothesis, reference) != result)
    FAIL("kind " << static_cast<int>(kind) << ", edit_distance: " << encode_utf8(reference) << " / "
                 << encode_utf8(hypothesis));
  return result;
}

double similarity(EditKind kind, const Text& reference, const Text& hypothesis) {
  return EditDistance(kind, reference).similarity(hypothesis);
}

// The definitions, cell by cell: the full matrix of Wagner and Fischer (1974), for OSA with the
// neighbour swap, for Damerau with the general swap of Lowrance and Wagner (1975) searched over all
// earlier cells.
int64_t naive(EditKind kind, const Text& a, const Text& b) {
  const size_t n = a.size();
  const size_t m = b.size();
  std::vector<std::vector<int64_t>> h(n + 1, std::vector<int64_t>(m + 1));
  if (kind == EditKind::kIndel || kind == EditKind::kLcs) {
    for (size_t i = 1; i <= n; ++i)
      for (size_t j = 1; j <= m; ++j)
        h[i][j] = a[i - 1] == b[j - 1] ? h[i - 1][j - 1] + 1 : std::max(h[i - 1][j], h[i][j - 1]);
    const int64_t lcs = h[n][m];
    return kind == EditKind::kLcs ? static_cast<int64_t>(std::max(n, m)) - lcs
                                  : static_cast<int64_t>(n + m) - 2 * lcs;
  }
  std::map<char32_t, size_t> last_row;
  for (size_t i = 0; i <= n; ++i) {
    size_t last_column = 0;
    for (size_t j = 0; j <= m; ++j) {
      if (i == 0 || j == 0) {
        h[i][j] = static_cast<int64_t>(i + j);
        continue;
      }
      const bool same = a[i - 1] == b[j - 1];
      int64_t best = std::min({h[i - 1][j] + 1, h[i][j - 1] + 1, h[i - 1][j - 1] + !same});
      if (kind == EditKind::kOsa && i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = std::min(best, h[i - 2][j - 2] + 1);
      if (kind == EditKind::kDamerau) {
        const size_t k = last_row[b[j - 1]];
        const size_t l = last_column;
        if (k > 0 && l > 0)
          best =
              std::min(best, h[k - 1][l - 1] + static_cast<int64_t>((i - k - 1) + 1 + (j - l - 1)));
      }
      if (same) last_column = j;
      h[i][j] = best;
    }
    if (i > 0) last_row[a[i - 1]] = i;
  }
  return h[n][m];
}

TEST_CASE("edit distance: textbook cases by hand", "[similarity]") {
  // kitten -> sitten -> sittin -> sitting. Common subsequence "ittn", 4: indel 6 + 7 - 8, LCS
  // distance 7 - 4.
  CHECK(distance(EditKind::kLevenshtein, U"kitten", U"sitting") == 3);
  CHECK(distance(EditKind::kIndel, U"kitten", U"sitting") == 5);
  CHECK(distance(EditKind::kLcs, U"kitten", U"sitting") == 3);
  CHECK(close(similarity(EditKind::kLevenshtein, U"kitten", U"sitting"), 4.0 / 7.0));
  CHECK(close(similarity(EditKind::kIndel, U"kitten", U"sitting"), 8.0 / 13.0));
  CHECK(close(similarity(EditKind::kLcs, U"kitten", U"sitting"), 4.0 / 7.0));
  // One swap of neighbours is two substitutions for Levenshtein.
  CHECK(distance(EditKind::kLevenshtein, U"ab", U"ba") == 2);
  CHECK(distance(EditKind::kOsa, U"ab", U"ba") == 1);
  CHECK(distance(EditKind::kDamerau, U"ab", U"ba") == 1);
  // ca -> ac -> abc needs an insertion between swapped letters, which OSA does not allow.
  CHECK(distance(EditKind::kOsa, U"ca", U"abc") == 3);
  CHECK(distance(EditKind::kDamerau, U"ca", U"abc") == 2);
  // One substitution of three; code points, not bytes, count.
  CHECK(close(similarity(EditKind::kLevenshtein, U"\u5E8A\u524D\u660E", U"\u5E8A\u524D\u6708"),
              2.0 / 3.0));
}

TEST_CASE("edit distance: empty texts", "[similarity]") {
  for (EditKind kind : kKinds) {
    CHECK(distance(kind, U"", U"") == 0);
    CHECK(similarity(kind, U"", U"") == 1.0);
    CHECK(distance(kind, U"abc", U"") == 3);
    CHECK(distance(kind, U"", U"abc") == 3);
    CHECK(similarity(kind, U"abc", U"") == 0.0);
    CHECK(similarity(kind, U"", U"abc") == 0.0);
  }
}

TEST_CASE("edit distance: RapidFuzz's numbers for every golden pair", "[similarity]") {
  std::ifstream file("tests/golden/edit_distance.jsonl");
  REQUIRE(file);
  std::string line;
  REQUIRE(std::getline(file, line));  // names the generator
  int pairs = 0;
  while (std::getline(file, line)) {
    const auto golden = nlohmann::json::parse(line);
    const Text hypothesis = decode_utf8(golden["hypothesis"].get<std::string>());
    const Text reference = decode_utf8(golden["reference"].get<std::string>());
    const auto longest = static_cast<int64_t>(std::max(hypothesis.size(), reference.size()));
    INFO(line);
    CHECK(distance(EditKind::kLevenshtein, reference, hypothesis) ==
          golden["levenshtein"].get<int64_t>());
    CHECK(distance(EditKind::kOsa, reference, hypothesis) == golden["osa"].get<int64_t>());
    CHECK(distance(EditKind::kDamerau, reference, hypothesis) == golden["damerau"].get<int64_t>());
    CHECK(distance(EditKind::kIndel, reference, hypothesis) == golden["indel"].get<int64_t>());
    CHECK(distance(EditKind::kLcs, reference, hypothesis) ==
          longest - golden["lcs"].get<int64_t>());
    CHECK(similarity(EditKind::kLevenshtein, reference, hypothesis) ==
          golden["levenshtein/sim"].get<double>());
    CHECK(similarity(EditKind::kIndel, reference, hypothesis) == golden["indel/sim"].get<double>());
    ++pairs;
  }
  CHECK(pairs == 240);
}

TEST_CASE("edit distance: equal to the naive matrix around the ends of 64-bit blocks",
          "[similarity]") {
  std::mt19937 random(3);
  const size_t lengths[] = {1,   2,   3,   31,  62,  63,  64,  65, 66,
                            127, 128, 129, 191, 193, 511, 512, 513};
  for (size_t n : lengths)
    for (size_t m : lengths)
      for (size_t letters : {2, 4, 30}) {
        const bool wide = random() % 2 == 0;
        const Text a = random_text(random, n, letters, wide);
        const Text b = random() % 2 ? random_text(random, m, letters, wide) : edited(random, a);
        for (EditKind kind : kKinds)
          if (distance(kind, a, b) != naive(kind, a, b))
            FAIL("kind " << static_cast<int>(kind) << ": " << encode_utf8(a) << " / "
                         << encode_utf8(b));
      }
}

TEST_CASE("edit distance: equal to the naive matrix on many short texts", "[similarity]") {
  std::mt19937 random(4);
  for (int round = 0; round < 20000; ++round) {
    const size_t letters = 2 + random() % 4;
    const Text a = random_text(random, random() % 10, letters, round % 2 == 0);
    const Text b = random_text(random, random() % 10, letters, round % 3 != 0);
    for (EditKind kind : kKinds)
      if (distance(kind, a, b) != naive(kind, a, b))
        FAIL("kind " << static_cast<int>(kind) << ": " << encode_utf8(a) << " / "
                     << encode_utf8(b));
  }
}

TEST_CASE("edit distance: symmetry, identity, range and triangle hold", "[similarity]") {
  std::mt19937 random(5);
  for (int round = 0; round < 3000; ++round) {
    const Text a = random_text(random, random() % 90, 3, round % 2 == 0);
    const Text b = edited(random, a);
    const Text c = edited(random, b);
    for (EditKind kind : kKinds) {
      const int64_t ab = distance(kind, a, b);
      const double s = similarity(kind, a, b);
      bool fine = ab == distance(kind, b, a) && (ab == 0) == (a == b) && distance(kind, a, a) == 0;
      fine = fine && s >= 0.0 && s <= 1.0 && (s == 1.0) == (a == b);
      // OSA and the LCS distance are no metrics; the others are.
      if (kind == EditKind::kLevenshtein || kind == EditKind::kIndel || kind == EditKind::kDamerau)
        fine = fine && distance(kind, a, c) <= ab + distance(kind, b, c);
      if (!fine)
        FAIL("kind " << static_cast<int>(kind) << ": " << encode_utf8(a) << " / "
                     << encode_utf8(b));
    }
    const int64_t levenshtein = distance(EditKind::kLevenshtein, a, b);
    const int64_t osa = distance(EditKind::kOsa, a, b);
    const bool ordered = distance(EditKind::kDamerau, a, b) <= osa && osa <= levenshtein &&
                         levenshtein <= distance(EditKind::kIndel, a, b);
    if (!ordered) FAIL(encode_utf8(a) << " / " << encode_utf8(b));
  }
}

TEST_CASE("edit distance: many distinct code points, among them U+0000, are kept apart",
          "[similarity]") {
  Text reference;
  for (char32_t c = 0; c < 4000; ++c) reference += c * 251;  // below U+F5200
  Text other = reference;
  other[7] = U'\U0010FFFF';
  other.erase(3000, 1);
  for (EditKind kind : kKinds) CHECK(distance(kind, reference, reference) == 0);
  CHECK(distance(EditKind::kLevenshtein, reference, other) == 2);
  CHECK(distance(EditKind::kOsa, reference, other) == 2);
  CHECK(distance(EditKind::kDamerau, reference, other) == 2);
  CHECK(distance(EditKind::kIndel, reference, other) == 3);
}

TEST_CASE("edit distance: one prepared reference serves several threads", "[similarity]") {
  std::mt19937 random(6);
  const Text reference = random_text(random, 150, 5, true);
  std::vector<Text> hypotheses;
  for (int i = 0; i < 200; ++i) hypotheses.push_back(edited(random, reference));
  const EditDistance prepared(EditKind::kOsa, reference);
  CHECK(test::same_in_threads(
      200, [&](int i) { return prepared.distance(hypotheses[static_cast<size_t>(i)]); }));
}

TEST_CASE("prefix and exact match by hand", "[similarity]") {
  CHECK(common_prefix_length(U"abcd", U"abx") == 2);
  CHECK(prefix_similarity(U"abcd", U"abx") == 0.5);
  CHECK(prefix_similarity(U"abcd", U"abcd") == 1.0);
  CHECK(prefix_similarity(U"ab", U"abcd") == 0.5);
  CHECK(prefix_similarity(U"", U"") == 1.0);
  CHECK(prefix_similarity(U"", U"a") == 0.0);
  CHECK(prefix_similarity(U"ab", U"xab") == 0.0);
  CHECK(exact_match(U"a", U"a") == 1.0);
  CHECK(exact_match(U"a", U"A") == 0.0);
  CHECK(exact_match(U"", U"") == 1.0);
}

}  // namespace
}  // namespace pgtrain
