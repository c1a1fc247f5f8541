// Minimum risk training (MRT) for sequences: Shen et al. 2016, section 3. Everywhere:
// sequence_log_probs [batch] = sum of the log-probabilities of a completion's counted tokens
// (sequence_sum of rl/loss.h), rewards [batch], the group_size >= 2 samples of a prompt standing
// together. With p the policy,
//   Q_i = p_i^alpha / sum over the group of p_j^alpha,   risk = -mean over groups of sum_i Q_i r_i.
// alpha > 0 is the sharpness: 5e-3 in the paper and in Nematus. Nematus leaves duplicate samples
// out of the group; here every sample counts, so a completion drawn twice has two shares.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace pgtrain {

// The risk, a scalar, differentiable in sequence_log_probs:
//   d risk / d log p_i = -alpha Q_i (r_i - sum_j Q_j r_j) / groups.
// The paper's cost is 1 - metric; with the reward r = metric that is 1 + this, the same gradient.
at::Tensor minimum_risk_loss(const at::Tensor& sequence_log_probs, const at::Tensor& rewards,
                             int64_t group_size, double alpha);

// The same as an advantage, so that the update can be cut into micro-batches anywhere:
//   A_i = group_size alpha Q_i (r_i - sum_j Q_j r_j), without gradient.
// reinforce_loss with it under Aggregation::kSequenceMeanTokenSum has exactly the gradient of
// minimum_risk_loss, as long as the log-probabilities are the current policy's (first update after
// sampling). Sums to 0 over each group; alpha -> 0 gives alpha (r_i - group mean).
at::Tensor minimum_risk_advantage(const at::Tensor& sequence_log_probs, const at::Tensor& rewards,
                                  int64_t group_size, double alpha);

}  // namespace pgtrain
