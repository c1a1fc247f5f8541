#include "similarity/bleu.h"

#include "core/error.h"
#include "similarity/texts.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::close;
using Views = std::vector<std::u32string_view>;

double score(std::u32string_view hypothesis, const Views& references, BleuOptions options = {}) {
  return Bleu(options, references).score(hypothesis);
}

BleuStatistics count(std::u32string_view hypothesis, const Views& references) {
  return Bleu({}, references).statistics(hypothesis);
}

TEST_CASE("bleu: a shorter hypothesis without error pays the brevity penalty only",
          "[similarity]") {
  // All precisions are 1; BP = exp(1 - 5/4).
  CHECK(count(U"a b c d", {U"a b c d e"}) == BleuStatistics{4, 5, 4, 3, 2, 1, 4, 3, 2, 1});
  CHECK(close(score(U"a b c d", {U"a b c d e"}), 100 * std::exp(-0.25)));
  // A longer one pays with its precisions: 4/5, 3/4, 2/3, 1/2; their product is 1/5.
  CHECK(close(score(U"a b c d e", {U"a b c d"}), 100 * std::pow(0.2, 0.25)));
}

TEST_CASE("bleu: an n-gram counts at most as often as in the reference", "[similarity]") {
  // "the" is twice in the reference: 2 of 4. No bigram "the the".
  CHECK(count(U"the the the the", {U"the cat is on the mat"}) ==
        BleuStatistics{4, 6, 2, 0, 0, 0, 4, 3, 2, 1});
  // Of two references the one with more of the n-gram counts: "a" 2 (not 1, not 3).
  CHECK(count(U"a a a", {U"a b", U"a a"})[2] == 2);
}

TEST_CASE("bleu: the four smoothings of orders without match", "[similarity]") {
  const Views reference = {U"the cat is on the mat"};
  const std::u32string_view hypothesis = U"the the the the";
  const double penalty = std::exp(1 - 6.0 / 4.0);
  BleuOptions options;
  // exp: stand-ins of 1/2, 1/4, 1/8 match among 3, 2, 1 n-grams.
  CHECK(close(score(hypothesis, reference),
              penalty * std::pow(50.0 * (100.0 / 6) * (100.0 / 8) * (100.0 / 8), 0.25)));
  // floor: 0.1 match each.
  options.smoothing = BleuSmoothing::kFloor;
  CHECK(close(score(hypothesis, reference, options),
              penalty * std::pow(50.0 * (10.0 / 3) * 5 * 10, 0.25)));
  options.smooth_value = 1.5;
  CHECK(
      close(score(hypothesis, reference, options), penalty * std::pow(50.0 * 50 * 75 * 150, 0.25)));
  // add-k: (0 + 1) / (3 + 1), 1 / 3, 1 / 2 for the orders above 1.
  options = {};
  options.smoothing = BleuSmoothing::kAddK;
  CHECK(close(score(hypothesis, reference, options),
              penalty * std::pow(50.0 * 25 * (100.0 / 3) * 50, 0.25)));
  // none: exp(-9999999999) is 0.
  options.smoothing = BleuSmoothing::kNone;
  CHECK(score(hypothesis, reference, options) == 0.0);
}

TEST_CASE("bleu: without a match at any order the value is 0", "[similarity]") {
  for (const auto smoothing :
       {BleuSmoothing::kExp, BleuSmoothing::kFloor, BleuSmoothing::kAddK, BleuSmoothing::kNone}) {
    BleuOptions options;
    options.smoothing = smoothing;
    CHECK(score(U"x y z", {U"a b c"}, options) == 0.0);
    CHECK(score(U"", {U"a b"}, options) == 0.0);
    CHECK(score(U"a b", {U""}, options) == 0.0);
    CHECK(score(U"", {U""}, options) == 0.0);
  }
}

TEST_CASE("bleu: effective order leaves out orders that the hypothesis is too short for",
          "[similarity]") {
  CHECK(close(score(U"x", {U"x"}), 100));
  CHECK(close(score(U"x y", {U"x y"}), 100));
  BleuOptions corpus;
  corpus.effective_order = false;
  CHECK(score(U"x", {U"x"}, corpus) == 0.0);  // log 0 := -9999999999
  CHECK(close(score(U"a b c d", {U"a b c d"}, corpus), 100));
}

TEST_CASE("bleu: the reference length is the closest one, of two as close the shorter",
          "[similarity]") {
  CHECK(count(U"a b c d", {U"a b c d e", U"a b c"})[1] == 3);
  CHECK(count(U"a b c d", {U"a b c", U"a b c d e"})[1] == 3);
  CHECK(count(U"a b c d", {U"a", U"a b c d e"})[1] == 5);
  CHECK(count(U"a b c d", {U"a", U"a b c d"})[1] == 4);
}

TEST_CASE("bleu: order and case follow the options", "[similarity]") {
  BleuOptions options;
  options.max_order = 1;
  CHECK(close(score(U"b a", {U"a b"}, options), 100));
  options.max_order = 2;  // unigrams 1, bigrams 0 of 1 -> 1/2
  CHECK(close(score(U"b a", {U"a b"}, options), std::sqrt(100.0 * 50.0)));
  CHECK(score(U"\u00C0", {U"\u00E0"}) == 0.0);
  options.lowercase = true;
  CHECK(close(score(U"\u00C0", {U"\u00E0"}, options), 100));
}

TEST_CASE("bleu: statistics of segments add up to the corpus", "[similarity]") {
  // 3 of 3 and 0 of 1 words: 3 of 4; bigrams 2 of 2; trigrams 1 of 1; no 4-gram anywhere.
  BleuStatistics sum = count(U"a b c", {U"a b c"});
  const BleuStatistics other = count(U"x", {U"y"});
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += other[i];
  CHECK(sum == BleuStatistics{4, 4, 3, 2, 1, 0, 4, 2, 1, 0});
  CHECK(close(bleu_score({}, sum), std::pow(75.0 * 100 * 100, 1.0 / 3)));
}

TEST_CASE("bleu: wrong number of statistics and no reference are programmer errors",
          "[similarity]") {
  CHECK(test::contains(test::message_of<InternalError>([] {
                         bleu_score({}, {1, 2, 3});
                       }),
                       "3 numbers for 4 orders"));
  CHECK(test::contains(test::message_of<InternalError>([] { Bleu({}, {}); }), "no reference"));
}

TEST_CASE("bleu: range, identity and order of references hold on random sentences",
          "[similarity]") {
  std::mt19937 random(11);
  for (int round = 0; round < 500; ++round) {
    const auto a = test::random_sentence(random, 1 + random() % 12);
    const auto b = test::random_sentence(random, random() % 12);
    const auto c = test::random_sentence(random, random() % 12);
    BleuOptions options;
    options.tokenizer = static_cast<BleuTokenizer>(random() % 5);
    options.smoothing = static_cast<BleuSmoothing>(random() % 4);
    options.max_order = 1 + static_cast<int64_t>(random() % 6);
    const double value = score(a, {b, c}, options);
    INFO(round);
    CHECK(value >= 0);
    CHECK(value <= 100 * (1 + 1e-12));
    CHECK(score(a, {c, b}, options) == value);
    CHECK(score(a, {b, c, b}, options) == value);
    CHECK(close(score(a, {a}, options), 100));
    CHECK(close(score(a, {b, a}, options), 100));
  }
}

TEST_CASE("bleu: one prepared reference serves several threads", "[similarity]") {
  std::mt19937 random(12);
  std::vector<std::u32string> texts;
  for (int i = 0; i < 100; ++i) texts.push_back(test::random_sentence(random, 1 + random() % 20));
  const Bleu prepared({}, {texts[0], texts[1]});
  CHECK(test::same_in_threads(100, [&](int i) { return prepared.score(texts[size_t(i)]); }));
}

}  // namespace
}  // namespace pgtrain
