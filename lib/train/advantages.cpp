#include "train/advantages.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/error.h"
#include "rl/group_advantage.h"
#include "rl/minimum_risk.h"
#include "rl/returns.h"
#include "tensor/masked.h"

namespace pgtrain {
namespace {

// R_t of each token: the reward at the end, and the KL penalty where it belongs to the reward.
at::Tensor token_rewards(const AdvantageInputs& inputs) {
  return inputs.kl.defined()
             ? kl_penalised_rewards(inputs.rewards, inputs.kl, inputs.mask, inputs.kl_coef)
             : terminal_rewards(inputs.rewards, inputs.mask);
}

// The same for whole completions.
at::Tensor completion_rewards(const AdvantageInputs& inputs) {
  if (!inputs.kl.defined()) return inputs.rewards;
  return inputs.rewards - inputs.kl_coef * sequence_sum(inputs.kl, inputs.mask);
}

}  // namespace

AdvantageEstimator::AdvantageEstimator(const AlgorithmOptions& options)
    : options_(options), ema_(options.ema_decay) {}

// [batch]
at::Tensor AdvantageEstimator::of_completions(const AdvantageInputs& inputs,
                                              const at::Tensor& rewards) {
  const std::string& name = options_.baseline;
  const int64_t group = inputs.group_size;
  if (options_.loss == "mrt")
    return minimum_risk_advantage(sequence_sum(inputs.old_log_probs, inputs.mask), rewards, group,
                                  options_.mrt_alpha);
  if (name == "none") return plain_advantage(rewards);
  if (name == "constant") return constant_advantage(rewards, options_.constant_baseline);
  if (name == "ema") return ema_.advantage(rewards);
  if (name == "batch_mean") return batch_mean_advantage(rewards);
  if (name == "leave_one_out") return leave_one_out_advantage(rewards, group);
  if (name == "group_mean") return group_mean_advantage(rewards, group);
  if (name == "group_norm") return group_norm_advantage(rewards, group);
  if (name == "greedy") return greedy_advantage(rewards, inputs.greedy_rewards, group);
  if (name == "optimal_length") return optimal_length_advantage(rewards, inputs.mask.sum(1), group);
  if (name == "pass_at_k") return pass_at_k_advantage(rewards, group);
  if (name == "gdpo") return gdpo_advantage(inputs.parts, inputs.part_weights, group);
  throw InternalError(fmt::format("unknown baseline '{}'", name));
}

Advantages AdvantageEstimator::raw(const AdvantageInputs& inputs, Row& row) {
  const at::Tensor& mask = inputs.mask;
  if (options_.baseline == "value") {
    const at::Tensor tokens =
        gae(token_rewards(inputs), inputs.values, mask, options_.gamma, options_.gae_lambda);
    const at::Tensor returns = tokens + inputs.values;
    row.set("baseline", masked_mean(inputs.values, mask).item<double>());
    row.set("explained_variance", explained_variance(inputs.values, returns, mask));
    return {tokens, returns};
  }
  if (options_.baseline == "reinforce_pp")
    return {reinforce_pp_advantage(token_rewards(inputs), mask, options_.gamma), {}};
  const at::Tensor rewards = completion_rewards(inputs);
  const at::Tensor advantage = of_completions(inputs, rewards);
  const bool is_difference = options_.loss != "mrt" && options_.baseline != "group_norm" &&
                             options_.baseline != "gdpo" && options_.baseline != "pass_at_k";
  if (is_difference) row.set("baseline", (rewards - advantage).mean().item<double>());
  return {advantage, {}};
}

Advantages AdvantageEstimator::estimate(const AdvantageInputs& inputs, Row& row) {
  Advantages result = raw(inputs, row);
  at::Tensor& advantage = result.tokens;  // [batch] or [batch, time]
  const at::Tensor counted = advantage.dim() == 2 ? inputs.mask : at::ones_like(advantage);
  if (options_.whiten_advantages) advantage = masked_whiten(advantage, counted, true);
  advantage = advantage * options_.advantage_scale;
  row.set("advantage_std", std::sqrt(masked_variance(advantage, counted, true).item<double>()));
  if (advantage.dim() == 1) advantage = advantage.unsqueeze(1) * inputs.mask;
  return result;
}

}  // namespace pgtrain
