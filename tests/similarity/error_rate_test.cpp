#include "similarity/error_rate.h"

#include "core/error.h"
#include "similarity/texts.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::close;
using Views = std::vector<std::u32string_view>;

double wer(std::u32string_view hypothesis, const Views& references) {
  return ErrorRate(ErrorUnit::kWord, references).score(hypothesis);
}

double cer(std::u32string_view hypothesis, const Views& references) {
  return ErrorRate(ErrorUnit::kCharacter, references).score(hypothesis);
}

TEST_CASE("wer: errors over the words of the reference", "[similarity]") {
  // b -> x, and e put in: two errors, four words.
  CHECK(close(wer(U"a x c d e", {U"a b c d"}), 0.5));
  CHECK(wer(U"a b", {U"a b"}) == 0.0);
  CHECK(wer(U"", {U"a b"}) == 1.0);
  CHECK(wer(U"x y z", {U"a"}) == 3.0);  // above 1
  CHECK(wer(U"A", {U"a"}) == 1.0);
  // No words in the reference: the number of errors.
  CHECK(wer(U"a b", {U""}) == 2.0);
  CHECK(wer(U"", {U" "}) == 0.0);
}

TEST_CASE("wer: a space separates words, a single other white space does not", "[similarity]") {
  CHECK(wer(U" a  b\u00A0\u3000c\n", {U"a b c"}) == 0.0);
  // "a\tb" is one word: one substitution, one insertion.
  CHECK(wer(U"a b", {U"a\tb"}) == 2.0);
  CHECK(wer(U"a\t\tb", {U"a b"}) == 0.0);
  CHECK(wer(U"a\t b", {U"a b"}) == 0.0);
}

TEST_CASE("cer: code points count, spaces inside too, those at the ends not", "[similarity]") {
  CHECK(close(cer(U"kitten", {U"sitting"}), 3.0 / 7));
  CHECK(close(cer(U"ab", {U" a b\n"}), 1.0 / 3));
  CHECK(close(cer(U"\u4F60\u597D", {U"\u4F60\u4EEC"}), 1.0 / 2));
  CHECK(cer(U"abc", {U""}) == 3.0);
}

TEST_CASE("error rates: statistics and the best reference", "[similarity]") {
  const ErrorRate rate(ErrorUnit::kWord, {U"a b c d", U"a b"});
  // One error of four words, or one of two.
  CHECK(rate.statistics(U"a b c").errors == 1);
  CHECK(rate.statistics(U"a b c").reference_length == 4);
  CHECK(rate.statistics(U"a b").reference_length == 2);
  CHECK(close(error_rate({3, 12}), 0.25));
  CHECK(error_rate({3, 0}) == 3.0);
}

TEST_CASE("error rates: no reference is a programmer error", "[similarity]") {
  CHECK(test::contains(test::message_of<InternalError>([] { ErrorRate(ErrorUnit::kWord, {}); }),
                       "no reference"));
}

TEST_CASE("error rates: identity, symmetry of the errors, more references", "[similarity]") {
  std::mt19937 random(21);
  for (int round = 0; round < 500; ++round) {
    const auto a = test::random_sentence(random, random() % 12);
    const auto b = test::random_sentence(random, random() % 12);
    const auto c = test::random_sentence(random, random() % 12);
    for (const auto unit : {ErrorUnit::kWord, ErrorUnit::kCharacter}) {
      const auto count = [&](const auto& hypothesis, const Views& references) {
        return ErrorRate(unit, references).statistics(hypothesis);
      };
      INFO(round);
      CHECK(count(a, {a}).errors == 0);
      CHECK(count(a, {b}).errors == count(b, {a}).errors);
      CHECK(count(a, {b}).errors <=
            std::max(count(a, {a}).reference_length, count(b, {b}).reference_length));
      CHECK(error_rate(count(a, {b, c})) ==
            std::min(error_rate(count(a, {b})), error_rate(count(a, {c}))));
    }
  }
}

TEST_CASE("error rates: one prepared reference serves several threads", "[similarity]") {
  std::mt19937 random(22);
  std::vector<std::u32string> texts;
  for (int i = 0; i < 60; ++i) texts.push_back(test::random_sentence(random, random() % 20));
  const ErrorRate prepared(ErrorUnit::kWord, {texts[0], texts[1]});
  CHECK(test::same_in_threads(60, [&](int i) { return prepared.score(texts[size_t(i)]); }));
}

}  // namespace
}  // namespace pgtrain
