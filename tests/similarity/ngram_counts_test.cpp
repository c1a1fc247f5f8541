#include "similarity/ngram_counts.h"

#include <map>

#include "similarity/texts.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using Symbols = std::vector<uint32_t>;
using Counts = std::vector<int64_t>;

// The definition: counts in a map, the minimum of both.
Counts naive(const std::vector<Symbols>& references, const Symbols& hypothesis, size_t max_order) {
  const auto count = [](const Symbols& text, size_t order) {
    std::map<Symbols, int64_t> counts;
    for (size_t i = 0; i + order <= text.size(); ++i)
      ++counts[Symbols(text.begin() + std::ptrdiff_t(i), text.begin() + std::ptrdiff_t(i + order))];
    return counts;
  };
  Counts result;
  for (size_t order = 1; order <= max_order; ++order) {
    std::map<Symbols, int64_t> most;
    for (const Symbols& reference : references)
      for (const auto& [ngram, n] : count(reference, order)) most[ngram] = std::max(most[ngram], n);
    result.push_back(0);
    for (const auto& [ngram, n] : count(hypothesis, order))
      result.back() += std::min(n, most[ngram]);
  }
  return result;
}

Counts matches(const std::vector<Symbols>& references, const Symbols& hypothesis, size_t order) {
  NgramCounts counts(order);
  for (const Symbols& reference : references) counts.add(reference);
  return counts.matches(hypothesis);
}

TEST_CASE("n-gram counts: clipped matches by hand", "[similarity]") {
  // 1 2 1 2 3 / 1 2 1 1: "1" 2 (clipped), "2" 1; "1 2" 1, "2 1" 1; "1 2 1" 1.
  CHECK(matches({{1, 2, 1, 2, 3}}, {1, 2, 1, 1}, 3) == Counts{3, 2, 1});
  // The most in any one text counts, not the sum: "7" twice.
  CHECK(matches({{7, 7}, {7, 8}}, {7, 7, 7}, 1) == Counts{2});
  CHECK(matches({{}}, {1}, 2) == Counts{0, 0});
  CHECK(matches({{1}}, {}, 2) == Counts{0, 0});
  CHECK(matches({}, {1}, 2) == Counts{0, 0});
  CHECK(matches({{1}}, {1}, 0).empty());
  CHECK(matches({{0xFFFFFFFF, 0}}, {0xFFFFFFFF, 0}, 2) == Counts{2, 1});
}

TEST_CASE("n-gram counts: number of n-grams", "[similarity]") {
  CHECK(ngram_total(5, 1) == 5);
  CHECK(ngram_total(5, 5) == 1);
  CHECK(ngram_total(5, 6) == 0);
  CHECK(ngram_total(0, 1) == 0);
}

TEST_CASE("n-gram counts: equal to the definition on random texts", "[similarity]") {
  std::mt19937 random(26);
  for (int round = 0; round < 1000; ++round) {
    const size_t letters = 1 + random() % 6;
    const auto text = [&] {
      return test::symbols(test::random_text(random, random() % 60, letters, round % 2 == 0));
    };
    std::vector<Symbols> references;
    for (size_t i = 0; i <= random() % 3; ++i) references.push_back(text());
    const Symbols hypothesis = text();
    const size_t order = 1 + random() % 8;
    const Counts found = matches(references, hypothesis, order);
    if (found != naive(references, hypothesis, order)) FAIL(round);
    // All n-grams of a text are in itself; matches of two texts are mutual.
    const Counts all = matches({hypothesis}, hypothesis, order);
    for (size_t n = 1; n <= order; ++n)
      if (all[n - 1] != ngram_total(hypothesis.size(), n)) FAIL(round);
    if (matches({references[0]}, hypothesis, order) != matches({hypothesis}, references[0], order))
      FAIL(round);
  }
}

TEST_CASE("n-gram counts: large texts", "[similarity]") {
  Symbols text;
  for (uint32_t i = 0; i < 50000; ++i) text.push_back(i * 2654435761U);
  CHECK(matches({text}, text, 4) == Counts{50000, 49999, 49998, 49997});
}

}  // namespace
}  // namespace pgtrain
