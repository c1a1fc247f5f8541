#include "rl/returns.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "rl/group_advantage.h"
#include "tensor/masked.h"

namespace pgtrain {
namespace {

void check_tokens(const at::Tensor& x, const at::Tensor& mask) {
  PG_CHECK(x.dim() == 2 && x.sizes() == mask.sizes(), "expected [batch, time] like the mask");
}

}  // namespace

at::Tensor terminal_rewards(const at::Tensor& rewards, const at::Tensor& mask) {
  PG_CHECK(rewards.dim() == 1 && mask.dim() == 2 && rewards.size(0) == mask.size(0),
           "one reward a row of the mask");
  // 1 at the last counted token: counted, and the next one is not.
  const at::Tensor next = at::constant_pad_nd(mask.narrow(1, 1, mask.size(1) - 1), {0, 1});
  return rewards.detach().unsqueeze(1) * (mask * (1 - next)).to(rewards.scalar_type());
}

at::Tensor kl_penalised_rewards(const at::Tensor& rewards, const at::Tensor& kl,
                                const at::Tensor& mask, double kl_coef) {
  check_tokens(kl, mask);
  return terminal_rewards(rewards, mask) - kl_coef * kl.detach().masked_fill(mask == 0, 0);
}

at::Tensor discounted_returns(const at::Tensor& token_rewards, const at::Tensor& mask,
                              double gamma) {
  return gae(token_rewards, at::zeros_like(token_rewards), mask, gamma, 1);
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

at::Tensor reinforce_pp_advantage(const at::Tensor& token_rewards, const at::Tensor& mask,
                                  double gamma, bool unbiased) {
  return masked_whiten(discounted_returns(token_rewards, mask, gamma), mask, unbiased);
}

at::Tensor reinforce_pp_baseline_advantage(const at::Tensor& rewards, int64_t group_size,
                                           const at::Tensor& mask, bool unbiased) {
  PG_CHECK(mask.dim() == 2 && mask.size(0) == rewards.size(0), "one reward a row of the mask");
  const at::Tensor difference = group_mean_advantage(rewards, group_size);
  return masked_whiten(difference.unsqueeze(1).expand(mask.sizes()), mask, unbiased);
}

double explained_variance(const at::Tensor& values, const at::Tensor& returns,
                          const at::Tensor& mask) {
  check_tokens(values, mask);
  const double total = masked_variance(returns, mask, false).item<double>();
  if (total <= 0) return 0;
  return 1 - masked_variance(returns - values.detach(), mask, false).item<double>() / total;
}

}  // namespace pgtrain
