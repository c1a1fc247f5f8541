// How often and in which parts one rollout is used.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/rng.h"
#include "train/learner.h"

namespace pgtrain {

struct UpdatePlan {
  int64_t epochs = 1;
  int64_t mini_batches = 1;    // an epoch
  double stop_at_kl = 0;       // see exceeds_target_kl; 0 = never
  bool measure_noise = false;  // of the first update's gradient
};

// The rows 0..count-1 in `parts` parts whose sizes differ by at most one. With one part they stand
// in their order; with more they are shuffled, a permutation for each `stream`.
std::vector<std::vector<int64_t>> split_rows(int64_t count, int64_t parts, const Rng& rng,
                                             uint64_t stream);

// What the updates of one rollout gave.
struct UpdateSummary {
  UpdateResult mean;           // over the updates; tensors left out
  int64_t updates = 0;         // steps that the optimiser made
  bool stopped_early = false;  // by stop_at_kl
  bool finite = true;  // false: the update that was not finite and those after it are left out
  double supervised_loss = 0;  // mean
  std::optional<GradientNoise> noise;
  double log_prob_gap = 0;  // largest |log pi when sampled - log pi in the update| before the
                            // first step: rounding only, anything larger is a bug in one of them
};

// A further batch whose gradient every update adds.
struct ExtraBatch {
  UpdateBatch batch;
  Objective objective;
};

// The plan's updates on a rollout. The first one is by the policy that sampled, so its ratio to
// batch.old_log_probs is 1 exactly: its own log-probabilities stand in for them, which may differ
// by the rounding between decoding and training.
UpdateSummary run_updates(Learner& learner, const UpdateBatch& batch, const Objective& objective,
                          const UpdatePlan& plan, const Rng& rng, uint64_t step,
                          double learning_rate, const ExtraBatch* extra = nullptr);

}  // namespace pgtrain
