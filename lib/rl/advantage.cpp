#include "rl/advantage.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "tensor/masked.h"

namespace pgtrain {
namespace {

at::Tensor groups_of(const at::Tensor& rewards, int64_t group_size) {
  PG_CHECK(rewards.dim() == 1 && group_size >= 1 && rewards.size(0) % group_size == 0,
           "{} rewards in groups of {}", rewards.numel(), group_size);
  return rewards.detach().view({-1, group_size});
}

void check_tokens(const at::Tensor& x, const at::Tensor& mask) {
  PG_CHECK(x.dim() == 2 && x.sizes() == mask.sizes(), "expected [batch, time] like the mask");
}

}  // namespace

at::Tensor plain_advantage(const at::Tensor& rewards) { return rewards.detach().clone(); }

at::Tensor batch_mean_advantage(const at::Tensor& rewards) {
  return rewards.detach() - rewards.detach().mean();
}

at::Tensor leave_one_out_advantage(const at::Tensor& rewards, int64_t group_size) {
  PG_CHECK(group_size >= 2, "leave-one-out needs groups of at least 2, not {}", group_size);
  const at::Tensor group = groups_of(rewards, group_size);
  const at::Tensor others = (group.sum(1, true) - group) / static_cast<double>(group_size - 1);
  return (group - others).flatten();
}

at::Tensor EmaBaseline::advantage(const at::Tensor& rewards) {
  const double mean = rewards.mean().item<double>();
  if (count_ == 0) value_ = mean;
  const at::Tensor result = rewards.detach() - value_;
  value_ = decay_ * value_ + (1 - decay_) * mean;
  ++count_;
  return result;
}

void EmaBaseline::restore(double value, int64_t count) {
  value_ = value;
  count_ = count;
}

at::Tensor terminal_rewards(const at::Tensor& rewards, const at::Tensor& mask) {
  PG_CHECK(rewards.dim() == 1 && mask.dim() == 2 && rewards.size(0) == mask.size(0),
           "one reward a row of the mask");
  // 1 at the last counted token: counted, and the next one is not.
  const at::Tensor next = at::constant_pad_nd(mask.narrow(1, 1, mask.size(1) - 1), {0, 1});
  return rewards.detach().unsqueeze(1) * (mask * (1 - next)).to(rewards.scalar_type());
}

at::Tensor gae(const at::Tensor& token_rewards, const at::Tensor& values, const at::Tensor& mask,
               double gamma, double gae_lambda) {
  check_tokens(token_rewards, mask);
  check_tokens(values, mask);
  const at::Tensor counted = mask.to(token_rewards.scalar_type());
  const at::Tensor value = values.detach().masked_fill(mask == 0, 0);
  const at::Tensor reward = token_rewards.detach().masked_fill(mask == 0, 0);
  at::Tensor result = at::zeros_like(reward);
  at::Tensor next_advantage = at::zeros({reward.size(0)}, reward.options());
  at::Tensor next_value = next_advantage.clone();
  for (int64_t t = reward.size(1) - 1; t >= 0; --t) {
    const at::Tensor delta = reward.select(1, t) + gamma * next_value - value.select(1, t);
    next_advantage = (delta + gamma * gae_lambda * next_advantage) * counted.select(1, t);
    next_value = value.select(1, t);
    result.select(1, t).copy_(next_advantage);
  }
  return result;
}

double explained_variance(const at::Tensor& values, const at::Tensor& returns,
                          const at::Tensor& mask) {
  check_tokens(values, mask);
  const double total = masked_variance(returns, mask, false).item<double>();
  if (total <= 0) return 0;
  return 1 - masked_variance(returns - values.detach(), mask, false).item<double>() / total;
}

double zero_spread_fraction(const at::Tensor& rewards, int64_t group_size) {
  const at::Tensor group = groups_of(rewards, group_size);
  const at::Tensor spread = std::get<0>(group.max(1)) - std::get<0>(group.min(1));
  return (spread == 0).to(at::kDouble).mean().item<double>();
}

}  // namespace pgtrain
