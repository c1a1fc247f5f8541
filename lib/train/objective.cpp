#include "train/objective.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/error.h"

namespace pgtrain {
namespace {

// [rows]: the advantage of each completion, the mean of its tokens' where they differ.
at::Tensor sequence_advantage(const ObjectiveInputs& inputs) {
  return sequence_mean(inputs.advantages, inputs.mask);
}

at::Tensor token_loss(const Objective& objective, const ObjectiveInputs& inputs) {
  switch (objective.loss) {
    case PolicyLoss::kReinforce:
      return reinforce_loss(inputs.log_prob, inputs.advantages);
    case PolicyLoss::kPpo:
      return ppo_loss(inputs.log_prob, inputs.old_log_probs, inputs.advantages, objective.ratio);
    case PolicyLoss::kGspo:
      return gspo_loss(inputs.log_prob, inputs.old_log_probs, inputs.advantages, inputs.mask,
                       objective.ratio, objective.gspo_gradient);
    case PolicyLoss::kCispo:
      return cispo_loss(inputs.log_prob, inputs.old_log_probs, inputs.advantages,
                        objective.ratio.max_ratio, objective.ratio.log_ratio_limit);
    case PolicyLoss::kRlooSequence:
      break;
  }
  throw InternalError("a loss of sequences has no token loss");
}

at::Tensor policy_loss(const Objective& objective, const ObjectiveInputs& inputs) {
  at::Tensor keep;  // [rows]
  if (objective.off_policy_threshold > 0)
    keep = off_policy_mask(inputs.log_prob.detach(), inputs.old_log_probs,
                           sequence_advantage(inputs), inputs.mask, objective.off_policy_threshold);
  if (objective.loss == PolicyLoss::kRlooSequence) {
    at::Tensor loss = sequence_ratio_loss(inputs.log_prob, inputs.old_log_probs,
                                          sequence_advantage(inputs), inputs.mask, objective.ratio);
    if (keep.defined()) loss = loss * keep;
    return loss.sum() / inputs.batch_size;
  }
  const at::Tensor weights =
      keep.defined() ? inputs.policy_weights * keep.unsqueeze(1) : inputs.policy_weights;
  return weighted_sum(token_loss(objective, inputs), weights);
}

// The ratios that the loss clips, and where.
RatioStatistics clip_statistics(const Objective& objective, const ObjectiveInputs& inputs,
                                const RatioStatistics& tokens) {
  const double limit = objective.ratio.log_ratio_limit;
  switch (objective.loss) {
    case PolicyLoss::kReinforce:
    case PolicyLoss::kPpo:
      return tokens;
    case PolicyLoss::kGspo:
      return ratio_statistics(
          sequence_log_ratio(inputs.log_prob.detach(), inputs.old_log_probs, inputs.mask, limit),
          inputs.advantages, inputs.mask, objective.ratio);
    case PolicyLoss::kCispo: {
      RatioOptions bound = objective.ratio;
      bound.clip_range_low = 1;
      bound.clip_range_high = bound.max_ratio - 1;
      return ratio_statistics(log_ratio(inputs.log_prob.detach(), inputs.old_log_probs, limit),
                              inputs.advantages, inputs.mask, bound);
    }
    case PolicyLoss::kRlooSequence:
      return ratio_statistics(
          sequence_sum(inputs.log_prob.detach() - inputs.old_log_probs, inputs.mask)
              .clamp(-limit, limit)
              .unsqueeze(1),
          inputs.advantages, inputs.mask, objective.ratio);
  }
  throw InternalError("unknown policy loss");
}

at::Tensor value_term(const Objective& objective, const ObjectiveInputs& inputs) {
  const at::Tensor loss = objective.value_clip > 0
                              ? clipped_value_loss(inputs.values, inputs.old_values, inputs.returns,
                                                   objective.value_clip)
                              : value_loss(inputs.values, inputs.returns);
  return weighted_sum(loss, inputs.policy_weights);
}

}  // namespace

ObjectiveTerms& ObjectiveTerms::operator+=(const ObjectiveTerms& other) {
  total += other.total;
  policy_loss += other.policy_loss;
  value_loss += other.value_loss;
  entropy += other.entropy;
  ratio += other.ratio;
  clip += other.clip;
  return *this;
}

bool ObjectiveTerms::is_finite() const {
  return std::isfinite(total) && std::isfinite(policy_loss) && std::isfinite(value_loss) &&
         std::isfinite(entropy);
}

ObjectiveTerms evaluate(const Objective& objective, const ObjectiveInputs& inputs) {
  ObjectiveTerms terms;
  const at::Tensor policy = policy_loss(objective, inputs);
  const at::Tensor entropy = weighted_sum(inputs.entropy, inputs.entropy_weights);
  terms.policy_loss = policy.item<double>();
  terms.entropy = entropy.item<double>();
  terms.loss = policy;
  if (objective.entropy_coef != 0) terms.loss = terms.loss - objective.entropy_coef * entropy;
  if (inputs.ref_log_probs.defined() && objective.kl_coef != 0) {
    const at::Tensor kl =
        kl_estimate(inputs.log_prob, inputs.ref_log_probs, objective.kl_estimator);
    terms.loss = terms.loss + objective.kl_coef * weighted_sum(kl, inputs.policy_weights);
  }
  if (inputs.values.defined()) {
    const at::Tensor value = value_term(objective, inputs);
    terms.loss = terms.loss + objective.value_coef * value;
    terms.value_loss = value.item<double>();
  }
  terms.total = terms.loss.item<double>();
  terms.ratio = ratio_statistics(
      log_ratio(inputs.log_prob.detach(), inputs.old_log_probs, objective.ratio.log_ratio_limit),
      inputs.advantages, inputs.mask, objective.ratio);
  terms.clip = clip_statistics(objective, inputs, terms.ratio);
  return terms;
}

}  // namespace pgtrain
