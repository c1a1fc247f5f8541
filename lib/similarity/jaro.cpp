#include "similarity/jaro.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "similarity/edit_distance.h"

namespace pgtrain {
namespace {

constexpr double kWinklerThreshold = 0.7;
constexpr double kWinklerWeight = 0.1;
constexpr int64_t kWinklerPrefix = 4;

// Places of one character in the hypothesis, in order; those before `next` are taken or too far
// back for every later character of the reference.
struct Places {
  std::vector<size_t> all;
  size_t next = 0;
};

}  // namespace

double jaro_similarity(std::u32string_view hypothesis, std::u32string_view reference) {
  const size_t n = hypothesis.size();
  const size_t m = reference.size();
  if (n == 0 && m == 0) return 1;
  if (n == 0 || m == 0) return 0;
  const size_t half = std::max(n, m) / 2;
  const size_t bound = half > 0 ? half - 1 : 0;
  std::unordered_map<char32_t, Places> places;
  for (size_t i = 0; i < n; ++i) places[hypothesis[i]].all.push_back(i);

  std::vector<bool> taken(n);
  std::vector<size_t> matched;  // characters of the reference
  for (size_t j = 0; j < m; ++j) {
    const auto found = places.find(reference[j]);
    if (found == places.end()) continue;
    Places& at = found->second;
    while (at.next < at.all.size() && at.all[at.next] + bound < j) ++at.next;
    if (at.next == at.all.size() || at.all[at.next] > j + bound) continue;
    taken[at.all[at.next++]] = true;
    matched.push_back(j);
  }
  if (matched.empty()) return 0;

  size_t out_of_order = 0;
  size_t k = 0;
  for (size_t i = 0; i < n; ++i)
    if (taken[i]) out_of_order += hypothesis[i] != reference[matched[k++]];
  const auto common = static_cast<double>(matched.size());
  const auto transpositions = static_cast<double>(out_of_order / 2);
  return (common / static_cast<double>(n) + common / static_cast<double>(m) +
          (common - transpositions) / common) /
         3;
}

double jaro_winkler_similarity(std::u32string_view hypothesis, std::u32string_view reference) {
  const double jaro = jaro_similarity(hypothesis, reference);
  if (jaro <= kWinklerThreshold) return jaro;
  const auto prefix =
      static_cast<double>(std::min(kWinklerPrefix, common_prefix_length(hypothesis, reference)));
  return jaro + kWinklerWeight * prefix * (1 - jaro);
}

}  // namespace pgtrain
