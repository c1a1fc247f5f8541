// What one update minimises: the policy loss and all that is added to it.
#pragma once

#include <ATen/core/Tensor.h>

#include "rl/diagnostics.h"
#include "rl/kl.h"
#include "rl/loss.h"
#include "rl/ratio_loss.h"

namespace pgtrain {

enum class PolicyLoss { kReinforce, kPpo, kGspo, kCispo, kRlooSequence };

// loss = sum w (keep l + kl_coef KL) - entropy_coef sum w_e H + value_coef sum w l_V
// with l the token loss of rl/loss.h or rl/ratio_loss.h, w = token_weights(mask, aggregation,
// normaliser) of the whole mini-batch, w_e its token mean, keep = off_policy_mask, l_V the
// (clipped) value loss. kRlooSequence has no token loss: there it is the mean of
// sequence_ratio_loss.
struct Objective {
  PolicyLoss loss = PolicyLoss::kReinforce;
  RatioOptions ratio;                                    // max_ratio is the bound of CISPO too
  GspoGradient gspo_gradient = GspoGradient::kSequence;  // kToken: advantages of single tokens
  Aggregation aggregation = Aggregation::kSequenceMeanTokenSum;
  double normaliser = 1;            // of Aggregation::kFixedNormaliser
  double off_policy_threshold = 0;  // see off_policy_mask; 0 = off
  double temperature = 1;
  KlEstimator kl_estimator = KlEstimator::kK3;
  double kl_coef = 0;
  double entropy_coef = 0;
  double value_coef = 0;
  double value_clip = 0;  // 0 = off
};

// One shard of a mini-batch: whole sequences. All [rows, time]; undefined: that term is off.
struct ObjectiveInputs {
  at::Tensor log_prob;  // with gradient
  at::Tensor entropy;   // with gradient
  at::Tensor values;    // with gradient
  at::Tensor mask;
  at::Tensor advantages;
  at::Tensor old_log_probs;
  at::Tensor ref_log_probs;
  at::Tensor returns;
  at::Tensor old_values;
  at::Tensor policy_weights;
  at::Tensor entropy_weights;
  double batch_size = 1;  // sequences of the whole mini-batch
};

// Shares of one shard in the numbers of the mini-batch: they add up over its shards.
struct ObjectiveTerms {
  at::Tensor loss;   // with gradient
  double total = 0;  // its value
  double policy_loss = 0;
  double value_loss = 0;
  double entropy = 0;
  RatioStatistics ratio;  // of the tokens' ratios
  RatioStatistics clip;   // of the ratios that the loss clips: those of sequences for GSPO and RLOO

  // Adds the numbers, not the loss.
  ObjectiveTerms& operator+=(const ObjectiveTerms& other);
  bool is_finite() const;
};

ObjectiveTerms evaluate(const Objective& objective, const ObjectiveInputs& inputs);

}  // namespace pgtrain
