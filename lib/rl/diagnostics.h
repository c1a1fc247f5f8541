// Numbers that say how an update goes.
#pragma once

#include <ATen/core/Tensor.h>

#include "rl/ratio_loss.h"

namespace pgtrain {

// Sums over counted tokens, so that the parts of a batch add up in any split.
struct RatioStatistics {
  double tokens = 0;
  double clipped_low_sum = 0;   // rho < 1 - clip_range_low and A < 0: TRL clip_ratio/low
  double clipped_high_sum = 0;  // rho > 1 + clip_range_high and A > 0: TRL clip_ratio/high
  double ratio_sum = 0;
  double k1_sum = 0;     // -log rho
  double k3_sum = 0;     // rho - 1 - log rho
  double max_ratio = 0;  // the largest rho; 0 without tokens

  RatioStatistics& operator+=(const RatioStatistics& other);

  // Means over the counted tokens; 0 without any.
  double clip_fraction_low() const { return mean(clipped_low_sum); }
  double clip_fraction_high() const { return mean(clipped_high_sum); }
  double clip_fraction() const { return mean(clipped_low_sum + clipped_high_sum); }  // "region"
  double ratio() const { return mean(ratio_sum); }
  // KL(pi_old || pi) from samples of pi_old: k1 may be negative (SB3's and TRL's), k3 is >= 0
  // (CleanRL).
  double approx_kl_k1() const { return mean(k1_sum); }
  double approx_kl() const { return mean(k3_sum); }

 private:
  double mean(double sum) const { return tokens > 0 ? sum / tokens : 0; }
};

// log_ratio: that or sequence_log_ratio of rl/ratio_loss.h; advantage; mask, any one shape that the
// other two broadcast to. No gradient. Ratios of sequences, [batch, 1]: a mask of ones [batch, 1]
// counts each completion once, as TRL does; the token mask counts it by its length. For CISPO set
// clip_range_high = max_ratio - 1 and clip_range_low = 1.
RatioStatistics ratio_statistics(const at::Tensor& log_ratio, const at::Tensor& advantage,
                                 const at::Tensor& mask, const RatioOptions& options);

// McCandlish et al. 2018, appendix A.1: E|g_B|^2 = |G|^2 + tr(Sigma) / B for the gradient mean g_B
// of B samples. From two batch sizes b < B:
//   signal |G|^2     = (B |g_B|^2 - b |g_b|^2) / (B - b)
//   noise  tr(Sigma) = (|g_b|^2 - |g_B|^2) / (1 / b - 1 / B)
//   scale() = noise / signal, the batch size at which noise and signal are equal ("simple noise
//   scale"): a batch far below it is noise, one far above it wastes samples.
// small_square: mean over the shards of |g_b|^2; big_square: |g_B|^2 of their mean, both of MEANS
// over samples (a shard's part of a loss that was divided by B times B / b). Shards of unequal
// size: small = harmonic mean of their sizes. Both estimates are unbiased and noisy, even negative:
// average signal and noise over steps, not their quotient.
struct GradientNoise {
  double signal = 0;
  double noise = 0;
  // Infinity when the signal is not positive (noise dominates).
  double scale() const;
};

// 0 < small < big.
GradientNoise gradient_noise(double small_square, double big_square, double small, double big);

}  // namespace pgtrain
