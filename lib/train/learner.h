// The update: one gradient step of the policy (and value network) on a batch of sequences with
// given advantages.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/worker_pool.h"
#include "train/forward.h"
#include "train/objective.h"
#include "train/optimizer.h"
#include "train/policy.h"
#include "train/step_times.h"

namespace pgtrain {

// Row i belongs to sequences[i]; column t to its completion token t. All tensors are [batch, time]
// float32 with time = the longest completion; what lies behind a row's own length never matters.
struct UpdateBatch : SequenceBatch {
  at::Tensor mask;  // 1 = the token counts in the loss
  at::Tensor advantages;
  at::Tensor old_log_probs;  // at sampling time; undefined: the policy is the one that sampled
  at::Tensor ref_log_probs;  // of the reference model; undefined = no KL in the loss
  at::Tensor returns;        // targets of V; undefined = no value loss
  at::Tensor old_values;     // V at sampling time; only read when the value loss is clipped

  // The rows as a batch of their own.
  UpdateBatch rows(const std::vector<int64_t>& rows) const;
};

struct UpdateResult : ObjectiveTerms {
  double grad_norm = 0;                // before clipping
  bool finite = true;                  // false: the step was skipped
  at::Tensor log_probs;                // [batch, time], of the completion tokens before the step
  std::optional<GradientNoise> noise;  // when it was asked for and there are several shards
};

class Learner {
 public:
  // policy and pool must outlive it.
  // seed: of what the adapters' dropout draws.
  Learner(Policy& policy, WorkerPool& pool, const OptimizerOptions& options, int64_t micro_batch,
          uint64_t seed = 0);

  // The objective's gradient, clipping, one step of the optimiser: clear, accumulate, apply.
  UpdateResult update(const UpdateBatch& batch, const Objective& objective, double learning_rate);

  // The parts of update, for several batches in one step. Sequences are sorted by prompt and length
  // and cut into micro-batches of fixed size; each is one shard, and the shards' gradients are
  // added in order, so the bits do not depend on the number of workers. With
  // Parallelism::kSequences workers take whole shards, each with a gradient of its own; with
  // kOperators there is one gradient, and the shards come one after the other, each computed by all
  // workers.
  void clear();
  // measure_noise, right after clear: also estimates the gradient's signal and noise from the
  // shards' parts; with one gradient from a single shard, drawn from (seed, optimiser step). Shards
  // are sorted by prompt and length, so what depends on these counts as noise.
  UpdateResult accumulate(const UpdateBatch& batch, const Objective& objective,
                          bool measure_noise = false);
  // Fills in grad_norm and finite; no step when anything is not finite.
  void apply(UpdateResult& result, double learning_rate);

  // Of all calls since the last one of this; the next one begins at zero.
  UpdateWork take_work() { return std::exchange(work_, {}); }

  Optimizer& optimizer() { return *optimizer_; }
  // Every parameter and moment is finite: nothing else may reach a checkpoint.
  bool is_finite() const;
  // Forgets the moments: a new phase starts.
  void reset_optimizer();

 private:
  struct Shard;
  DropoutKey dropout_of(const std::vector<int64_t>& rows) const;
  Shard run_shard(const UpdateBatch& batch, const Objective& objective,
                  const std::vector<int64_t>& rows, const Network& network,
                  const at::Tensor& policy_weights, const at::Tensor& entropy_weights) const;
  // Calls run(shard, network) for every shard; measure(shard, gradient) sees the gradient of those
  // that are computed apart: all, or with one gradient `first`, which then comes first.
  void for_each_shard(int64_t shards, int64_t first,
                      const std::function<void(int64_t, const Network&)>& run,
                      const std::function<void(int64_t, const at::Tensor& gradient)>& measure);

  Policy& policy_;
  WorkerPool& pool_;
  OptimizerOptions options_;
  int64_t micro_batch_;
  Rng dropout_rng_;
  Rng noise_rng_;
  int64_t sequences_before_ = 0;  // in the batches of this step so far
  UpdateWork work_;
  std::vector<Policy::Replica> replicas_;  // a worker each; none with one gradient
  std::unique_ptr<Optimizer> optimizer_;
};

}  // namespace pgtrain
