#include "rl/advantage.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace pgtrain {

at::Tensor plain_advantage(const at::Tensor& rewards) { return rewards.detach().clone(); }

at::Tensor constant_advantage(const at::Tensor& rewards, double baseline) {
  return rewards.detach() - baseline;
}

at::Tensor batch_mean_advantage(const at::Tensor& rewards) {
  return rewards.detach() - rewards.detach().mean();
}

at::Tensor greedy_advantage(const at::Tensor& rewards, const at::Tensor& greedy_rewards,
                            int64_t group_size) {
  PG_CHECK(rewards.dim() == 1 && greedy_rewards.dim() == 1 && group_size >= 1 &&
               rewards.size(0) == greedy_rewards.size(0) * group_size,
           "{} rewards, {} greedy rewards, {} samples a prompt", rewards.numel(),
           greedy_rewards.numel(), group_size);
  return rewards.detach() - greedy_rewards.detach().repeat_interleave(group_size);
}

at::Tensor EmaBaseline::advantage(const at::Tensor& rewards) {
  const double mean = rewards.to(at::kDouble).mean().item<double>();
  if (count_ == 0) value_ = mean;
  at::Tensor result = rewards.detach() - value_;
  value_ = decay_ * value_ + (1 - decay_) * mean;
  ++count_;
  return result;
}

void EmaBaseline::restore(double value, int64_t count) {
  value_ = value;
  count_ = count;
}

}  // namespace pgtrain
