// Losses of the ratio rho = pi / pi_old of the policy and the one that sampled, for several updates
// a rollout. Pure functions.
//
// log_prob: the policy now, carries the gradient. old_log_prob: at sampling time, detached here.
// advantage: detached here. Everything is [batch, time] or, where no mask is an argument, any one
// shape (packed tokens too). Losses come for each token and are added up by weighted_sum with
// token_weights of rl/loss.h. Under a weight of 0 log_prob and old_log_prob must be finite.
// At rho = 1 the gradient of every loss here is REINFORCE's. log rho is clamped to
// +-log_ratio_limit before the exponential, as verl and OpenRLHF do and TRL does not: beyond it a
// token has no gradient.
// A packed [tokens] vector becomes [batch, time], differentiably, by
// zeros(mask.sizes()).masked_scatter(mask.to(bool), packed).
#pragma once

#include <ATen/core/Tensor.h>

namespace pgtrain {

struct RatioOptions {
  double clip_range_low = 0.2;   // rho is clipped at 1 - this
  double clip_range_high = 0.2;  // and at 1 + this; DAPO's "clip higher": 0.28
  double dual_clip = 0;          // for A < 0 the loss stays <= -A times this, > 1; 0 = off
  double max_ratio = 0;          // rho of the unclipped term stays <= this; 0 = off
  double log_ratio_limit = 20;   // |log rho| <= this
};

// clamp(log_prob - old_log_prob, -limit, limit), old_log_prob detached.
at::Tensor log_ratio(const at::Tensor& log_prob, const at::Tensor& old_log_prob,
                     double limit = RatioOptions().log_ratio_limit);

// PPO's clipped loss for a given log rho (Schulman et al. 2017, equation 7):
//   l = -min(min(rho, max_ratio) A, clip(rho, 1 - low, 1 + high) A)
// with two options: max_ratio bounds rho for A < 0 (INTELLECT-2, Prime Intellect 2025; TRL
// `delta`), dual_clip bounds the loss for A < 0, l = min(l, -dual_clip A) (Ye et al. 2020; verl
// clip_ratio_c, there always on with 3). Asymmetric ranges: DAPO (Yu et al. 2025, equation 10).
// log_ratio and advantage broadcast.
at::Tensor clipped_ratio_loss(const at::Tensor& log_ratio, const at::Tensor& advantage,
                              const RatioOptions& options);

// clipped_ratio_loss of the ratio of each token.
at::Tensor ppo_loss(const at::Tensor& log_prob, const at::Tensor& old_log_prob,
                    const at::Tensor& advantage, const RatioOptions& options);

// [batch, 1]: log of GSPO's sequence ratio, mean over the counted tokens of log_prob -
// old_log_prob, clamped; 0 for a row without any.
at::Tensor sequence_log_ratio(const at::Tensor& log_prob, const at::Tensor& old_log_prob,
                              const at::Tensor& mask,
                              double limit = RatioOptions().log_ratio_limit);

enum class GspoGradient {
  kSequence,  // rho = s_i: GSPO (Zheng et al. 2025, equations 5 to 7); TRL sequence level
  kToken,     // rho_t = sg(s_i) pi_t / sg(pi_t): GSPO-token (equation 14); verl
};

// GSPO: clipped_ratio_loss of s_i = exp(mean over the sequence of log rho_t), on every token of the
// row: [batch, time]; mask [batch, time]. Published with kSequenceMeanTokenMean; there, and with
// one advantage a sequence, both gradient forms are equal. kToken serves advantages for each token.
// Published ranges are small: 3e-4 and 4e-4. verl clamps log s_i at 10 from above only.
at::Tensor gspo_loss(const at::Tensor& log_prob, const at::Tensor& old_log_prob,
                     const at::Tensor& advantage, const at::Tensor& mask,
                     const RatioOptions& options, GspoGradient gradient = GspoGradient::kSequence);

// CISPO (MiniMax-M1 2025): -sg(min(rho, max_ratio)) A log pi: every token keeps
// its gradient, only its weight is bounded. max_ratio is the bound itself as in TRL (epsilon_high,
// about 5), which in verl is 1 + clip_ratio_high; no lower bound, as published.
at::Tensor cispo_loss(const at::Tensor& log_prob, const at::Tensor& old_log_prob,
                      const at::Tensor& advantage, double max_ratio,
                      double log_ratio_limit = RatioOptions().log_ratio_limit);

// [batch]: clipped_ratio_loss of the ratio of whole sequences, rho_i = exp(sum_t log rho_t), as
// TRL's RLOOTrainer. advantage [batch]. The batch loss is the mean: weight 1 / batch each (whole
// batch, not micro-batch).
at::Tensor sequence_ratio_loss(const at::Tensor& log_prob, const at::Tensor& old_log_prob,
                               const at::Tensor& advantage, const at::Tensor& mask,
                               const RatioOptions& options);

// [batch] 1 = keep, 0 = leave out of the loss: completions with advantage < 0 whose
// mean_t(old_log_prob - log_prob) exceeds `threshold`, bad samples that the policy has already
// left. DeepSeek-V3.2 2025; TRL off_policy_mask_threshold, which multiplies the token
// loss and leaves the divisor of the aggregation as it is. advantage [batch].
at::Tensor off_policy_mask(const at::Tensor& log_prob, const at::Tensor& old_log_prob,
                           const at::Tensor& advantage, const at::Tensor& mask, double threshold);

}  // namespace pgtrain
