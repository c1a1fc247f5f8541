#include "rl/diagnostics.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "core/error.h"

namespace pgtrain {

RatioStatistics& RatioStatistics::operator+=(const RatioStatistics& other) {
  tokens += other.tokens;
  clipped_low_sum += other.clipped_low_sum;
  clipped_high_sum += other.clipped_high_sum;
  ratio_sum += other.ratio_sum;
  k1_sum += other.k1_sum;
  k3_sum += other.k3_sum;
  max_ratio = std::max(max_ratio, other.max_ratio);
  return *this;
}

RatioStatistics ratio_statistics(const at::Tensor& log_ratio, const at::Tensor& advantage,
                                 const at::Tensor& mask, const RatioOptions& options) {
  const at::Tensor counted = mask.detach().to(at::kDouble);
  const at::Tensor log = log_ratio.detach().to(at::kDouble).expand_as(counted);
  const at::Tensor d = log.masked_fill(counted == 0, 0);
  const at::Tensor ratio = d.exp();
  const at::Tensor a = advantage.detach();
  const at::Tensor low = at::logical_and(ratio < 1 - options.clip_range_low, a < 0);
  const at::Tensor high = at::logical_and(ratio > 1 + options.clip_range_high, a > 0);
  const auto sum = [&](const at::Tensor& x) { return (x * counted).sum(); };
  const at::Tensor sums =
      at::stack({counted.sum(), sum(low), sum(high), sum(ratio), sum(-d), sum(ratio - 1 - d)})
          .cpu();
  const double* value = sums.data_ptr<double>();
  RatioStatistics result{value[0], value[1], value[2], value[3], value[4], value[5], 0};
  if (result.tokens > 0) result.max_ratio = (ratio * counted).max().item<double>();
  return result;
}

double GradientNoise::scale() const {
  return signal > 0 ? noise / signal : std::numeric_limits<double>::infinity();
}

GradientNoise gradient_noise(double small_square, double big_square, double small, double big) {
  PG_CHECK(small > 0 && small < big, "batch sizes {} and {}", small, big);
  return {(big * big_square - small * small_square) / (big - small),
          (small_square - big_square) / (1 / small - 1 / big)};
}

}  // namespace pgtrain
