#include "rl/minimum_risk.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace pgtrain {
namespace {

at::Tensor shares(const at::Tensor& sequence_log_probs, const at::Tensor& rewards,
                  int64_t group_size, double alpha) {
  PG_CHECK(rewards.dim() == 1 && rewards.sizes() == sequence_log_probs.sizes() && group_size >= 2 &&
               rewards.size(0) % group_size == 0,
           "{} log-probabilities, {} rewards in groups of {}", sequence_log_probs.numel(),
           rewards.numel(), group_size);
  PG_CHECK(alpha > 0, "alpha is {}", alpha);
  return at::softmax(alpha * sequence_log_probs.view({-1, group_size}), 1);
}

}  // namespace

at::Tensor minimum_risk_loss(const at::Tensor& sequence_log_probs, const at::Tensor& rewards,
                             int64_t group_size, double alpha) {
  const at::Tensor share = shares(sequence_log_probs, rewards, group_size, alpha);
  return -(share * rewards.detach().view_as(share)).sum(1).mean();
}

at::Tensor minimum_risk_advantage(const at::Tensor& sequence_log_probs, const at::Tensor& rewards,
                                  int64_t group_size, double alpha) {
  const at::Tensor share = shares(sequence_log_probs.detach(), rewards, group_size, alpha);
  at::Tensor reward = rewards.detach().view_as(share);
  reward = reward - reward.narrow(1, 0, 1);  // equal rewards then differ by exactly 0
  const at::Tensor difference = reward - (share * reward).sum(1, true);
  return (static_cast<double>(group_size) * alpha * share * difference).flatten();
}

}  // namespace pgtrain
