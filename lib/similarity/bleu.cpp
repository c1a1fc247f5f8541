#include "similarity/bleu.h"

#include <cmath>
#include <cstdlib>

#include "core/error.h"
#include "text/characters.h"

namespace pgtrain {
namespace {

constexpr double kLogOfZero = -9999999999.0;  // sacreBLEU's my_log(0)

double log_or_lowest(double value) { return value == 0 ? kLogOfZero : std::log(value); }

double smooth_value_of(const BleuOptions& options) {
  if (options.smooth_value >= 0) return options.smooth_value;
  return options.smoothing == BleuSmoothing::kFloor ? 0.1 : 1.0;
}

double brevity_penalty(int64_t hypothesis, int64_t reference) {
  if (hypothesis >= reference) return 1;
  if (hypothesis == 0) return 0;
  return std::exp(1 - static_cast<double>(reference) / static_cast<double>(hypothesis));
}

int64_t closest_length(int64_t length, const std::vector<int64_t>& references) {
  int64_t closest = references.front();
  for (const int64_t other : references) {
    const int64_t gain = std::abs(length - closest) - std::abs(length - other);
    if (gain > 0 || (gain == 0 && other < closest)) closest = other;
  }
  return closest;
}

}  // namespace

double bleu_score(const BleuOptions& options, const BleuStatistics& statistics) {
  const auto orders = static_cast<size_t>(options.max_order);
  PG_CHECK(statistics.size() == 2 + 2 * orders, "{} numbers for {} orders", statistics.size(),
           orders);
  const int64_t* correct_counts = &statistics[2];
  const int64_t* total_counts = correct_counts + orders;
  bool any = false;
  for (size_t n = 0; n < orders; ++n) any = any || correct_counts[n] > 0;
  if (!any) return 0;

  const double smooth_value = smooth_value_of(options);
  double halvings = 1;
  size_t counted = orders;
  std::vector<double> precisions(orders, 0.0);  // in percent
  for (size_t n = 0; n < orders; ++n) {
    const bool add = options.smoothing == BleuSmoothing::kAddK && n > 0;
    const double correct = static_cast<double>(correct_counts[n]) + (add ? smooth_value : 0);
    const double total = static_cast<double>(total_counts[n]) + (add ? smooth_value : 0);
    if (total == 0) break;
    if (options.effective_order) counted = n + 1;
    if (correct != 0) {
      precisions[n] = 100.0 * correct / total;
    } else if (options.smoothing == BleuSmoothing::kExp) {
      halvings *= 2;
      precisions[n] = 100.0 / (halvings * total);
    } else if (options.smoothing == BleuSmoothing::kFloor) {
      precisions[n] = 100.0 * smooth_value / total;
    }
  }
  double logs = 0;
  for (size_t n = 0; n < counted; ++n) logs += log_or_lowest(precisions[n]);
  return brevity_penalty(statistics[0], statistics[1]) *
         std::exp(logs / static_cast<double>(counted));
}

Bleu::Bleu(const BleuOptions& options, const std::vector<std::u32string_view>& references)
    : options_(options), ngrams_(static_cast<size_t>(options.max_order)) {
  PG_CHECK(!references.empty(), "no reference");
  for (const auto reference : references) {
    const std::u32string text = tokenize(reference);
    const auto words = vocabulary_.add(split_on_space(text));
    ngrams_.add(words);
    lengths_.push_back(static_cast<int64_t>(words.size()));
  }
}

std::u32string Bleu::tokenize(std::u32string_view text) const {
  if (!options_.lowercase) return bleu_tokenize(options_.tokenizer, strip_right(text));
  return bleu_tokenize(options_.tokenizer, strip_right(lower_case(text)));
}

BleuStatistics Bleu::statistics(std::u32string_view hypothesis) const {
  const std::u32string text = tokenize(hypothesis);
  const auto words = vocabulary_.find(split_on_space(text));
  const auto length = static_cast<int64_t>(words.size());
  BleuStatistics result = {length, closest_length(length, lengths_)};
  const auto correct = ngrams_.matches(words);
  result.insert(result.end(), correct.begin(), correct.end());
  for (size_t n = 1; n <= ngrams_.max_order(); ++n) result.push_back(ngram_total(words.size(), n));
  return result;
}

}  // namespace pgtrain
