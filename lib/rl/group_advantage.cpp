#include "rl/group_advantage.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace pgtrain {
namespace {

at::Tensor groups_of(const at::Tensor& rewards, int64_t group_size) {
  PG_CHECK(rewards.dim() == 1 && group_size >= 1 && rewards.size(0) % group_size == 0,
           "{} rewards in groups of {}", rewards.numel(), group_size);
  return rewards.detach().view({-1, group_size});
}

// [groups, group_size], at least two samples a group.
at::Tensor compared_groups_of(const at::Tensor& rewards, int64_t group_size) {
  PG_CHECK(group_size >= 2, "comparing samples needs groups of at least 2, not {}", group_size);
  return groups_of(rewards, group_size);
}

// group - its mean over dimension 1. Taken from the first sample's value, so that equal rewards
// give exactly 0 and not rounding errors that a division by a small deviation would blow up.
at::Tensor centred(const at::Tensor& group) {
  const at::Tensor shifted = group - group.narrow(1, 0, 1);
  return shifted - shifted.mean(1, true);
}

// Standard deviation over dimension 1 of values whose mean there is 0, n - 1 in the divisor.
at::Tensor deviation_of_centred(const at::Tensor& group) {
  return (group.square().sum(1, true) / static_cast<double>(group.size(1) - 1)).sqrt();
}

at::Tensor spread(const at::Tensor& group) {
  return std::get<0>(group.max(1)) - std::get<0>(group.min(1));
}

}  // namespace

at::Tensor leave_one_out_advantage(const at::Tensor& rewards, int64_t group_size) {
  const at::Tensor group = compared_groups_of(rewards, group_size);
  const at::Tensor others = (group.sum(1, true) - group) / static_cast<double>(group_size - 1);
  return (group - others).flatten();
}

at::Tensor group_mean_advantage(const at::Tensor& rewards, int64_t group_size) {
  return centred(compared_groups_of(rewards, group_size)).flatten();
}

at::Tensor group_norm_advantage(const at::Tensor& rewards, int64_t group_size, RewardScale scale,
                                double epsilon) {
  const at::Tensor difference = centred(compared_groups_of(rewards, group_size));
  const at::Tensor deviation =
      scale == RewardScale::kGroup ? deviation_of_centred(difference) : rewards.detach().std(true);
  return (difference / (deviation + epsilon)).flatten();
}

at::Tensor optimal_length_advantage(const at::Tensor& rewards, const at::Tensor& lengths,
                                    int64_t group_size) {
  PG_CHECK(rewards.sizes() == lengths.sizes(), "{} rewards, {} lengths", rewards.numel(),
           lengths.numel());
  const at::Tensor group = compared_groups_of(rewards, group_size);
  const at::Tensor length = groups_of(lengths, group_size).to(group.scalar_type());
  const at::Tensor baseline = (length * group).sum(1, true) / length.sum(1, true).clamp_min(1);
  return (group - baseline).flatten();
}

at::Tensor pass_at_k_advantage(const at::Tensor& rewards, int64_t group_size, bool by_std,
                               double epsilon) {
  const at::Tensor group = compared_groups_of(rewards, group_size);
  const auto [best, index] = group.topk(2, 1);
  at::Tensor lead = best.narrow(1, 0, 1) - best.narrow(1, 1, 1);
  if (by_std) lead = lead / (deviation_of_centred(centred(group)) + epsilon);
  return at::zeros_like(group).scatter(1, index.narrow(1, 0, 1), lead).flatten();
}

at::Tensor gdpo_advantage(const at::Tensor& parts, const std::vector<double>& weights,
                          int64_t group_size, double epsilon) {
  const auto count = static_cast<int64_t>(weights.size());
  PG_CHECK(parts.dim() == 2 && parts.size(1) == count && count > 0,
           "parts is [batch, parts] with one weight a part; there are {} weights", count);
  PG_CHECK(group_size >= 2 && parts.size(0) % group_size == 0, "{} rewards in groups of {}",
           parts.size(0), group_size);
  const at::Tensor difference = centred(parts.detach().view({-1, group_size, count}));
  const at::Tensor z = difference / (deviation_of_centred(difference) + epsilon);
  const at::Tensor weight = at::tensor(weights, at::kDouble).to(z.options());
  const at::Tensor score = (z * weight).sum(2).flatten();
  return (score - score.mean()) / (score.std(true) + epsilon);
}

at::Tensor informative_groups(const at::Tensor& rewards, int64_t group_size, double tolerance) {
  return spread(groups_of(rewards, group_size)) > tolerance;
}

double zero_spread_fraction(const at::Tensor& rewards, int64_t group_size) {
  return (spread(groups_of(rewards, group_size)) == 0).to(at::kDouble).mean().item<double>();
}

}  // namespace pgtrain
