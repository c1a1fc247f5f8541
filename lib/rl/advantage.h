// Advantages A = Q - V of sampled completions. Pure functions; results are plain numbers without
// gradient. Rewards are [batch], one terminal reward a completion; samples of one prompt stand
// together, group after group.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace pgtrain {

// A_i = r_i. REINFORCE without a baseline (Williams 1992).
at::Tensor plain_advantage(const at::Tensor& rewards);

// A_i = r_i - mean(r). Biased by the factor (n - 1) / n against leave-one-out.
at::Tensor batch_mean_advantage(const at::Tensor& rewards);

// A_i = r_i - mean of the other rewards of its group = n / (n - 1) (r_i - group mean). RLOO (Kool,
// van Hoof and Welling 2019; Ahmadian et al. 2024), as TRL's RLOOTrainer without normalisation.
// batch must be a multiple of group_size >= 2.
at::Tensor leave_one_out_advantage(const at::Tensor& rewards, int64_t group_size);

// A_i = r_i - b with b the exponential moving average of the mean reward of EARLIER steps, so that
// the baseline does not depend on the actions that it judges (Williams 1992, section 4). The first
// step has b = its own mean reward.
class EmaBaseline {
 public:
  explicit EmaBaseline(double decay) : decay_(decay) {}
  at::Tensor advantage(const at::Tensor& rewards);
  double value() const { return value_; }
  int64_t count() const { return count_; }
  void restore(double value, int64_t count);

 private:
  double decay_;
  double value_ = 0;
  int64_t count_ = 0;
};

// [batch, time]: every counted token gets its completion's reward at the last counted token, 0
// before. mask is [batch, time] with ones first; a row without counted tokens gives zeros.
at::Tensor terminal_rewards(const at::Tensor& rewards, const at::Tensor& mask);

// Generalised advantage estimation (Schulman et al. 2016, equation 16), backwards in time over the
// counted tokens:
//   delta_t = r_t + gamma V_{t+1} - V_t,   A_t = delta_t + gamma lambda A_{t+1},   V and A after
//   the last token are 0.
// All [batch, time]; 0 where the mask is 0. With gamma = lambda = 1: A_t = (sum of later rewards) -
// V_t.
at::Tensor gae(const at::Tensor& token_rewards, const at::Tensor& values, const at::Tensor& mask,
               double gamma, double gae_lambda);

// 1 - var(returns - values) / var(returns) over the counted tokens: 1 = perfect, 0 = as good as a
// constant, below 0 = worse. 0 when the returns do not vary.
double explained_variance(const at::Tensor& values, const at::Tensor& returns,
                          const at::Tensor& mask);

// Share of groups whose rewards are all equal: they teach nothing under a group baseline.
double zero_spread_fraction(const at::Tensor& rewards, int64_t group_size);

}  // namespace pgtrain
