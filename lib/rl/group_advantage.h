// Advantages that compare the samples of one prompt. Everywhere: rewards [batch], finite, the
// group_size samples of a prompt standing together, group after group; batch is a multiple of
// group_size >= 2 (InternalError otherwise). Results [batch], of the rewards' type, without
// gradient. A group whose rewards are all equal gets exactly 0 wherever a division could otherwise
// blow up rounding errors.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace pgtrain {

// A_i = r_i - mean of the other rewards of its group = n / (n - 1) (r_i - group mean). RLOO (Kool,
// van Hoof and Welling 2019; Ahmadian et al. 2024), as TRL's RLOOTrainer without normalisation.
at::Tensor leave_one_out_advantage(const at::Tensor& rewards, int64_t group_size);

// A_i = r_i - group mean. Dr. GRPO (Liu et al. 2025); TRL scale_rewards="none".
// (n - 1) / n times leave-one-out.
at::Tensor group_mean_advantage(const at::Tensor& rewards, int64_t group_size);

enum class RewardScale {
  kGroup,  // standard deviation of the group: GRPO; TRL scale_rewards="group"
  kBatch,  // standard deviation of all rewards of the batch: TRL scale_rewards="batch"
};

// A_i = (r_i - group mean) / (std + epsilon), std with n - 1 in the divisor. GRPO (Shao et al.
// 2024, section 4.1.2); epsilon as TRL, verl has 1e-6, OpenRLHF 1e-9. Unlike verl a group of one
// sample is an error here (verl returns the raw reward).
at::Tensor group_norm_advantage(const at::Tensor& rewards, int64_t group_size,
                                RewardScale scale = RewardScale::kGroup, double epsilon = 1e-4);

// A_i = r_i - b, b = sum_j l_j r_j / sum_j l_j over the group: the baseline of least variance when
// the squared gradient norm of a sample grows with its length l. OPO (Hao et al. 2025).
// lengths [batch], counted tokens of each completion; a group without any token has b = 0.
at::Tensor optimal_length_advantage(const at::Tensor& rewards, const at::Tensor& lengths,
                                    int64_t group_size);

// The best sample of the group gets r_(1) - r_(2), its lead over the second best, all others 0: the
// leave-one-out gradient of E[max of group_size rewards], because max(all) - max(all but i) is
// that (Tang et al. 2025, "Optimizing language models for inference time objectives"). As verl
// grpo_passk (which divides by the group's std + 1e-6 unless norm_adv_by_std_in_grpo is false):
// `by_std` divides by (std + epsilon). A tie for the first place gives 0 everywhere.
at::Tensor pass_at_k_advantage(const at::Tensor& rewards, int64_t group_size, bool by_std = false,
                               double epsilon = 1e-6);

// GDPO (Liu et al. 2026; TRL multi_objective_aggregation="normalize_then_sum"):
//   z_ik = (r_ik - group mean_k) / (group std_k + epsilon),  s_i = sum_k w_k z_ik,
//   A_i = (s_i - batch mean) / (batch std + epsilon), both std with n - 1.
// parts [batch, parts] holds the rewards before weighting, weights one number a part. So each part
// counts by its weight and not by its spread.
at::Tensor gdpo_advantage(const at::Tensor& parts, const std::vector<double>& weights,
                          int64_t group_size, double epsilon = 1e-4);

// [batch / group_size] bool: true for the groups whose rewards spread by more than `tolerance`
// (largest - smallest), the ones that dynamic sampling keeps (DAPO, Yu et al. 2025, equation 11:
// 0 < correct < group size).
at::Tensor informative_groups(const at::Tensor& rewards, int64_t group_size, double tolerance = 0);

// Share of groups whose rewards are all equal: they teach nothing under a group baseline. TRL's
// frac_reward_zero_std.
double zero_spread_fraction(const at::Tensor& rewards, int64_t group_size);

}  // namespace pgtrain
