// Rewards, returns and advantages for each token. Everywhere: [batch, time], mask 1 = counted,
// ones first in each row; results are 0 where the mask is 0 and carry no gradient; what stands
// under a zero mask never matters, not even NaN. A row without counted tokens gives zeros.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace pgtrain {

// [batch, time]: each completion's reward [batch] at its last counted token, 0 before.
at::Tensor terminal_rewards(const at::Tensor& rewards, const at::Tensor& mask);

// R_t = -kl_coef kl_t, plus the completion's reward at its last counted token (Ziegler et al. 2019,
// equation 2; TRL's PPOTrainer; verl use_kl_in_reward). rewards [batch]; kl as kl_estimate of
// rl/kl.h gives it, from the log-probabilities at sampling time. kl_coef = 0: terminal_rewards.
at::Tensor kl_penalised_rewards(const at::Tensor& rewards, const at::Tensor& kl,
                                const at::Tensor& mask, double kl_coef);

// G_t = R_t + gamma G_{t+1}, G after the last counted token = 0. The reward-to-go.
at::Tensor discounted_returns(const at::Tensor& token_rewards, const at::Tensor& mask,
                              double gamma);

// Generalised advantage estimation (Schulman et al. 2016, equation 16), backwards in time over the
// counted tokens:
//   delta_t = r_t + gamma V_{t+1} - V_t,   A_t = delta_t + gamma lambda A_{t+1},   V and A after
//   the last token are 0.
// With gamma = lambda = 1: A_t = (sum of later rewards) - V_t. The value target is A_t + V_t. TRL's
// PPOTrainer and verl then whiten A (masked_whiten, unbiased, 1e-8) and not the target.
at::Tensor gae(const at::Tensor& token_rewards, const at::Tensor& values, const at::Tensor& mask,
               double gamma, double gae_lambda);

// REINFORCE++ (Hu 2025): discounted_returns of rewards that hold the KL penalty,
// whitened over all counted tokens of the batch: (G_t - mean) / sqrt(var + 1e-8). verl has the
// unbiased variance, OpenRLHF the biased one.
at::Tensor reinforce_pp_advantage(const at::Tensor& token_rewards, const at::Tensor& mask,
                                  double gamma, bool unbiased = true);

// REINFORCE++-baseline: (r_i - group mean) on every counted token of completion i, then whitened
// over all counted tokens. verl reinforce_plus_plus_baseline; OpenRLHF reinforce_baseline. rewards
// [batch], group_size >= 2 samples of a prompt standing together. KL belongs into the loss here.
at::Tensor reinforce_pp_baseline_advantage(const at::Tensor& rewards, int64_t group_size,
                                           const at::Tensor& mask, bool unbiased = true);

// 1 - var(returns - values) / var(returns) over the counted tokens: 1 = perfect, 0 = as good as a
// constant, below 0 = worse. 0 when the returns do not vary.
double explained_variance(const at::Tensor& values, const at::Tensor& returns,
                          const at::Tensor& mask);

}  // namespace pgtrain
