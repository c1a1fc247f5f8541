#include "similarity/ter.h"

#include "core/error.h"
#include "similarity/edit_distance.h"
#include "similarity/texts.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::close;
using Views = std::vector<std::u32string_view>;

// One word for each letter.
int64_t edits(std::u32string_view hypothesis, std::u32string_view reference) {
  return translation_edits(test::symbols(hypothesis), test::symbols(reference));
}

double score(std::u32string_view hypothesis, const Views& references,
             const TerTokenizerOptions& options = {}) {
  return Ter(options, references).score(hypothesis);
}

TEST_CASE("ter: insertions, deletions, substitutions", "[similarity]") {
  CHECK(edits(U"abcd", U"abcd") == 0);
  CHECK(edits(U"abxd", U"abcd") == 1);
  CHECK(edits(U"abd", U"abcd") == 1);
  CHECK(edits(U"abxcd", U"abcd") == 1);
  CHECK(edits(U"", U"abc") == 3);
  CHECK(edits(U"abc", U"") == 3);
  CHECK(edits(U"", U"") == 0);
}

TEST_CASE("ter: moving a run of words is one edit", "[similarity]") {
  CHECK(edits(U"bcda", U"abcd") == 1);      // a to the front
  CHECK(edits(U"efabcd", U"abcdef") == 1);  // ef to the end
  CHECK(edits(U"abefgcd", U"abcdefg") == 1);
  CHECK(edits(U"ba", U"ab") == 1);  // a swap: Levenshtein has 2
  CHECK(edits(U"dcba", U"abcd") == 3);
  CHECK(edits(U"bcdx", U"abcd") == 2);  // nothing to gain from a shift
  // A shift and a substitution: move "ef", replace x.
  CHECK(edits(U"efaxcd", U"abcdef") == 2);
}

TEST_CASE("ter: a run of more than ten words is not moved as one", "[similarity]") {
  // Ten words are moved in one piece...
  CHECK(edits(U"klmnopqrstuvwxyzabcdefghij", U"abcdefghijklmnopqrstuvwxyz") == 1);
  // ... of eleven and thirteen neither part can be.
  CHECK(edits(U"lmnopqrstuvwxabcdefghijk", U"abcdefghijklmnopqrstuvwx") > 1);
}

TEST_CASE("ter: percent of the mean reference length", "[similarity]") {
  CHECK(close(score(U"b c d a", {U"a b c d"}), 25));
  CHECK(close(score(U"a b", {U"a"}), 100));
  CHECK(close(score(U"a b c d", {U"a"}), 300));
  // One edit against the second reference; mean length 3.
  CHECK(close(score(U"a b c d", {U"x", U"a b c d e"}), 100.0 / 3));
  CHECK(score(U"", {U"a b"}) == 100.0);
  CHECK(score(U"a b", {U""}) == 100.0);
  CHECK(score(U"", {U""}) == 0.0);
  CHECK(ter_score({0, 0}) == 0.0);
  CHECK(ter_score({7, 0}) == 100.0);
  CHECK(ter_score({3, 4}) == 75.0);
}

TEST_CASE("ter: case and punctuation follow the options", "[similarity]") {
  CHECK(score(U"A b", {U"a B"}) == 0.0);
  TerTokenizerOptions options;
  options.case_sensitive = true;
  CHECK(score(U"A b", {U"a B"}, options) == 100.0);
  CHECK(score(U"a, b", {U"a b"}) == 50.0);
  options = {};
  options.no_punct = true;
  CHECK(score(U"a, b", {U"a b"}, options) == 0.0);
  options = {};
  options.normalized = true;  // an insertion among two words
  CHECK(score(U"a, b", {U"a b"}, options) == 50.0);
}

TEST_CASE("ter: references are tokenized twice, hypotheses once", "[similarity]") {
  // Normalization sets 's apart before a space only: in the first pass a tab follows, in the
  // second, after joining with spaces, a space.
  TerTokenizerOptions options;
  options.normalized = true;
  CHECK(score(U"it's\tx", {U"it's x"}, options) > 0);
  CHECK(score(U"it's x", {U"it's\tx"}, options) == 0.0);
}

TEST_CASE("ter: no reference is a programmer error", "[similarity]") {
  CHECK(test::contains(test::message_of<InternalError>([] { Ter({}, {}); }), "no reference"));
}

TEST_CASE("ter: between the difference of lengths and the Levenshtein distance", "[similarity]") {
  std::mt19937 random(16);
  for (int round = 0; round < 2000; ++round) {
    const auto a = test::random_text(random, random() % 24, 2 + random() % 8, false);
    const auto b = round % 2 == 0 ? test::edited(random, a)
                                  : test::random_text(random, random() % 24, 6, false);
    const int64_t value = edits(a, b);
    const auto n = static_cast<int64_t>(a.size());
    const auto m = static_cast<int64_t>(b.size());
    // Inside the beam, as these lengths are, every shift that is taken pays for itself.
    if (value < std::abs(n - m) || value > EditDistance(EditKind::kLevenshtein, b).distance(a) ||
        (value == 0) != (a == b))
      FAIL(round << ": " << value);
  }
}

TEST_CASE("ter: long texts and lengths far apart keep to the limits", "[similarity]") {
  std::mt19937 random(17);
  const auto a = test::random_text(random, 1500, 20, false);
  const auto b = test::random_text(random, 1500, 20, false);
  const auto n = static_cast<int64_t>(a.size());
  CHECK(edits(a, a) == 0);
  CHECK(edits(a, b) <= n);
  // The beam is widened for a reference more than fifty times as long.
  CHECK(edits(a.substr(0, 10), a) == n - 10);
  CHECK(edits(a, a.substr(0, 10)) == n - 10);
}

TEST_CASE("ter: one prepared reference serves several threads", "[similarity]") {
  std::mt19937 random(18);
  std::vector<std::u32string> texts;
  for (int i = 0; i < 60; ++i) texts.push_back(test::random_sentence(random, random() % 20));
  const Ter prepared({}, {texts[0], texts[1]});
  CHECK(test::same_in_threads(60, [&](int i) { return prepared.score(texts[size_t(i)]); }));
}

}  // namespace
}  // namespace pgtrain
