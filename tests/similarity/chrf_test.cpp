#include "similarity/chrf.h"

#include "core/error.h"
#include "similarity/texts.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::close;
using Views = std::vector<std::u32string_view>;

ChrfOptions orders(int64_t characters, int64_t words = 0) {
  ChrfOptions options;
  options.char_order = characters;
  options.word_order = words;
  return options;
}

double score(const ChrfOptions& options, std::u32string_view hypothesis, const Views& references) {
  return Chrf(options, references).score(hypothesis);
}

TEST_CASE("chrf: counts and value by hand", "[similarity]") {
  // Characters 2 of 3 on both sides, bigrams "ab" of two: P = R = (2/3 + 1/2) / 2.
  CHECK(Chrf(orders(2), {U"abd"}).statistics(U"abc") == ChrfStatistics{3, 3, 2, 2, 2, 1});
  CHECK(close(score(orders(2), U"abc", {U"abd"}), 100 * 7.0 / 12));
  // "a" is once in the reference: P = 2/3, R = 1, F2 = 5 * 2/3 / (4 * 2/3 + 1) = 10/11.
  CHECK(close(score(orders(1), U"aab", {U"ab"}), 1000.0 / 11));
  // beta 1: 2 * 2/3 / (2/3 + 1) = 4/5.
  ChrfOptions balanced = orders(1);
  balanced.beta = 1;
  CHECK(close(score(balanced, U"aab", {U"ab"}), 80));
}

TEST_CASE("chrf: orders that a text is too short for do not count", "[similarity]") {
  // One character against two: P = 1, R = 1/2, F2 = 5/2 / (4 + 1/2) = 5/9; no bigram in "a".
  CHECK(Chrf(orders(2), {U"ab"}).statistics(U"a") == ChrfStatistics{1, 2, 1, 0, 1, 0});
  CHECK(close(score({}, U"a", {U"ab"}), 500.0 / 9));
  // The hypothesis's bigram is not counted where the reference has none.
  CHECK(Chrf(orders(2), {U"a"}).statistics(U"ab") == ChrfStatistics{2, 1, 1, 0, 0, 0});
  // With eps smoothing all six orders count, the missing ones as (almost) nothing.
  ChrfOptions smoothed;
  smoothed.eps_smoothing = true;
  CHECK(close(score(smoothed, U"a", {U"ab"}), 500.0 / 9 / 6));
}

TEST_CASE("chrf: white space counts only when asked for", "[similarity]") {
  CHECK(close(score({}, U"ab c", {U"a\u3000bc"}), 100));
  ChrfOptions spaced = orders(1);
  spaced.whitespace = true;
  // "a b" / "ab": P = 2/3, R = 1.
  CHECK(close(score(spaced, U"a b", {U"ab"}), 1000.0 / 11));
}

TEST_CASE("chrf++: one punctuation mark at the end of a word, or else at its beginning, is a word",
          "[similarity]") {
  const auto words = [](std::u32string_view text) {
    return Chrf(orders(0, 1), {text}).statistics(text)[0];
  };
  CHECK(words(U"a.") == 2);
  CHECK(words(U"(a") == 2);
  CHECK(words(U"(a)") == 2);  // "(a" and ")"
  CHECK(words(U"a..") == 2);
  CHECK(words(U".") == 1);
  CHECK(words(U"..") == 2);
  CHECK(words(U"a\u3002") == 1);  // ASCII only
  // P = 1/2, R = 1: F2 = 5/2 / 3.
  CHECK(close(score(orders(0, 1), U"a.", {U"a"}), 250.0 / 3));
  // Characters P = 1/2, R = 1, words the same, bigrams of neither kind in the reference.
  CHECK(close(score(orders(6, 2), U"a.", {U"a"}), 250.0 / 3));
}

TEST_CASE("chrf: case, empty texts, the best reference", "[similarity]") {
  CHECK(score({}, U"AB", {U"ab"}) == 0.0);
  ChrfOptions lower;
  lower.lowercase = true;
  CHECK(close(score(lower, U"AB", {U"ab"}), 100));
  CHECK(score({}, U"", {U"ab"}) == 0.0);
  CHECK(score({}, U"ab", {U""}) == 0.0);
  CHECK(score({}, U"", {U""}) == 0.0);
  CHECK(close(score({}, U"ab", {U"xy", U"ab", U"abc"}), 100));
}

TEST_CASE("chrf: wrong number of statistics and no reference are programmer errors",
          "[similarity]") {
  CHECK(test::contains(test::message_of<InternalError>([] {
                         chrf_score({}, {1, 2, 3});
                       }),
                       "3 numbers for 6 orders"));
  CHECK(test::contains(test::message_of<InternalError>([] { Chrf({}, {}); }), "no reference"));
}

TEST_CASE("chrf: range, identity and more references hold on random sentences", "[similarity]") {
  std::mt19937 random(14);
  for (int round = 0; round < 500; ++round) {
    const auto a = test::random_sentence(random, 1 + random() % 10);
    const auto b = test::random_sentence(random, random() % 10);
    const auto c = test::random_sentence(random, random() % 10);
    ChrfOptions options = orders(static_cast<int64_t>(random() % 7), 1 + random() % 2);
    options.whitespace = random() % 2 == 0;
    options.eps_smoothing = random() % 2 == 0;
    options.beta = static_cast<double>(random() % 4);
    const double value = score(options, a, {b});
    INFO(round);
    CHECK(value >= 0);
    CHECK(value <= 100 * (1 + 1e-12));
    CHECK(score(options, a, {b, c}) >= value);
    CHECK(score(options, a, {b, c}) == std::max(value, score(options, a, {c})));
    if (!options.eps_smoothing) CHECK(close(score(options, a, {b, a}), 100));
    // With beta 1 neither side matters more, as long as both texts have every order.
    options.beta = 1;
    options.eps_smoothing = false;
    options.char_order = 2;
    options.word_order = 0;
    if (a.size() > 1 && b.size() > 1) CHECK(close(score(options, a, {b}), score(options, b, {a})));
  }
}

TEST_CASE("chrf: one prepared reference serves several threads", "[similarity]") {
  std::mt19937 random(15);
  std::vector<std::u32string> texts;
  for (int i = 0; i < 100; ++i) texts.push_back(test::random_sentence(random, random() % 20));
  const Chrf prepared(orders(6, 2), {texts[0], texts[1]});
  CHECK(test::same_in_threads(100, [&](int i) { return prepared.score(texts[size_t(i)]); }));
}

}  // namespace
}  // namespace pgtrain
