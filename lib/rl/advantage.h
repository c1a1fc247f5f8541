// Advantages A = Q - V of sampled completions whose baseline needs no groups. Pure functions;
// results are plain numbers without gradient. Rewards are [batch], one finite terminal reward a
// completion.
// Further advantages: rl/group_advantage.h (other samples of the prompt), rl/returns.h (for each
// token), rl/minimum_risk.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace pgtrain {

// A_i = r_i. REINFORCE without a baseline (Williams 1992).
at::Tensor plain_advantage(const at::Tensor& rewards);

// A_i = r_i - baseline, one number fixed for the whole run (Williams 1992, section 4): unbiased.
at::Tensor constant_advantage(const at::Tensor& rewards, double baseline);

// A_i = r_i - mean(r). Biased by the factor (n - 1) / n against leave-one-out.
at::Tensor batch_mean_advantage(const at::Tensor& rewards);

// A_i = r_i - g_p with g_p the reward of the greedy completion of the prompt p of sample i:
// self-critical training (SCST, Rennie et al. 2017) and ReMax (Li et al. 2024,
// algorithm 1) are the same advantage. rewards [batch] with group_size samples a prompt standing
// together, greedy_rewards [batch / group_size]. Unbiased, because the greedy completion does not
// depend on the samples. The greedy completion itself gets no gradient. verl subtracts g_p from
// every token's reward-to-go; without per-token rewards that is this.
at::Tensor greedy_advantage(const at::Tensor& rewards, const at::Tensor& greedy_rewards,
                            int64_t group_size);

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

}  // namespace pgtrain
