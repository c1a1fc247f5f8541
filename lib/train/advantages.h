// From the rewards of a rollout to an advantage for each token, by the baseline's name.
#pragma once

#include <vector>

#include "metrics/row.h"
#include "rl/advantage.h"
#include "train/algorithm_options.h"

namespace pgtrain {

// What the completions of a step give. [batch] for completions, [batch, time] for tokens; undefined
// where nothing needs it.
struct AdvantageInputs {
  int64_t group_size = 1;
  at::Tensor rewards;                // [batch]
  at::Tensor parts;                  // [batch, parts] before weighting, for gdpo
  std::vector<double> part_weights;  // likewise
  at::Tensor mask;                   // 1 for each completion token
  at::Tensor old_log_probs;          // at sampling time
  at::Tensor kl;                     // of each token, when the penalty belongs to the reward
  double kl_coef = 0;                // its weight
  at::Tensor values;                 // V before each token, for value
  at::Tensor greedy_rewards;         // [batch / group_size], for greedy
};

struct Advantages {
  at::Tensor tokens;   // [batch, time], 0 where the mask is 0
  at::Tensor returns;  // targets of V; undefined without one
};

class AdvantageEstimator {
 public:
  explicit AdvantageEstimator(const AlgorithmOptions& options);

  // The baseline of the options, then whitening and scale. Adds baseline, explained_variance (where
  // they have a meaning) and advantage_std to the row.
  Advantages estimate(const AdvantageInputs& inputs, Row& row);

  // The only state.
  EmaBaseline& ema() { return ema_; }

 private:
  at::Tensor of_completions(const AdvantageInputs& inputs, const at::Tensor& rewards);
  Advantages raw(const AdvantageInputs& inputs, Row& row);

  AlgorithmOptions options_;
  EmaBaseline ema_;
};

}  // namespace pgtrain
