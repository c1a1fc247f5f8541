// Policy-gradient and value losses, for each token, and how they add up. Pure functions.
//
// Every aggregation is a fixed weight for each token, computed once from the masks of the WHOLE
// batch: the loss is sum(loss_token * weight_token). So any split into micro-batches gives the same
// gradient, and padding (weight 0) never counts.
// Losses of probability ratios (PPO, GSPO, CISPO, sequence-level RLOO): rl/ratio_loss.h.
#pragma once

#include <ATen/core/Tensor.h>

namespace pgtrain {

enum class Aggregation {
  kTokenMean,              // every token of the whole batch alike: mask / sum(mask). DAPO, verl
                           // token-mean; TRL's "bnpo" takes the micro-batch instead
  kSequenceMeanTokenMean,  // every completion alike, its tokens averaged: GRPO; rows without tokens
                           // count in the batch
  kSequenceMeanTokenSum,   // the policy gradient of the expected reward: mask / batch. RLOO
  kFixedNormaliser,  // mask / (batch * normaliser): Dr. GRPO with normaliser = longest completion
};

// [batch, time] weights for a mask of that shape. `normaliser` matters for kFixedNormaliser only.
at::Tensor token_weights(const at::Tensor& mask, Aggregation aggregation, double normaliser = 1);

// -A log pi: the loss whose gradient is the REINFORCE estimate of -grad J (Williams 1992; Sutton et
// al. 2000). The advantage is detached. Any one shape for both. The published form `loss =
// -advantages.mean()` lacks log pi, so it has no gradient.
at::Tensor reinforce_loss(const at::Tensor& log_prob, const at::Tensor& advantage);

// 0.5 (V - R)^2, the returns detached. Any one shape for both.
at::Tensor value_loss(const at::Tensor& values, const at::Tensor& returns);

// 0.5 max((V - R)^2, (V_c - R)^2), V_c = V_old + clamp(V - V_old, -clip_range, clip_range): the
// value of a state moves by at most clip_range in one rollout (Schulman's PPO code; TRL
// cliprange_value, verl). V_old are the values at sampling time; they and the returns are detached.
// Any one shape for all. clip_range = infinity: value_loss.
at::Tensor clipped_value_loss(const at::Tensor& values, const at::Tensor& old_values,
                              const at::Tensor& returns, double clip_range);

// [batch]: sum of the counted tokens of each row of x [batch, time]. Of log-probabilities: the
// completion's log-probability. Values under a zero mask never matter, not even NaN. Differentiable
// in x; a row without counted tokens gives 0.
at::Tensor sequence_sum(const at::Tensor& x, const at::Tensor& mask);

// [batch]: sequence_sum / counted tokens; 0 for a row without any.
at::Tensor sequence_mean(const at::Tensor& x, const at::Tensor& mask);

// sum(loss * weights); where a weight is 0 the loss never matters, not even NaN.
at::Tensor weighted_sum(const at::Tensor& loss, const at::Tensor& weights);

}  // namespace pgtrain
