// The update: one gradient step of the policy (and value head) on a batch of sequences with given
// advantages.
#pragma once

#include <memory>
#include <vector>

#include "core/worker_pool.h"
#include "train/optimizer.h"
#include "train/policy.h"

namespace pgtrain {

// Row i belongs to sequences[i]; column t to its completion token t. All tensors are [batch, time]
// float32 with time = the longest completion; what lies behind a row's own length never matters.
struct UpdateBatch {
  std::vector<const Sequence*> sequences;
  at::Tensor advantages;
  at::Tensor policy_weights;   // of -A log pi; see token_weights
  at::Tensor entropy_weights;  // of the entropy, also for reporting
  at::Tensor returns;          // targets of V; undefined = no value loss
  double temperature = 1.0;
  double entropy_coef = 0.0;
  double value_coef = 0.0;
};

struct UpdateResult {
  double policy_loss = 0;
  double value_loss = 0;
  double entropy = 0;    // weighted mean of the tokens
  double grad_norm = 0;  // before clipping
  bool finite = true;    // false: the step was skipped
  std::vector<at::Tensor>
      log_probs;  // of the batch's completion tokens, a tensor for each sequence
};

// [batch, time] float32, 1 for each completion token of each sequence.
at::Tensor completion_mask(const std::vector<const Sequence*>& sequences);

class Learner {
 public:
  // Makes one replica of the network a worker. policy and pool must outlive it.
  Learner(Policy& policy, WorkerPool& pool, const OptimizerOptions& options, int64_t micro_batch);

  // loss = sum w (-A log pi) - entropy_coef * sum w_e H + value_coef * sum w 0.5 (V - R)^2, its
  // gradient, clipping, one step of Adam. Sequences are sorted by length and cut into micro-batches
  // of fixed size; each is one shard, and the shards' gradients are added in order, so the bits do
  // not depend on the number of workers.
  UpdateResult update(const UpdateBatch& batch, double learning_rate);

  // The gradient alone, in policy.parameters().gradient(); what update applies. For tests and
  // measurements.
  UpdateResult accumulate(const UpdateBatch& batch);

  Adam& optimizer() { return *optimizer_; }
  // Every parameter and moment is finite: nothing else may reach a checkpoint.
  bool is_finite() const;
  // Forgets the moments: a new phase starts.
  void reset_optimizer();

 private:
  struct ShardResult;
  ShardResult run_shard(const UpdateBatch& batch, const std::vector<int64_t>& rows,
                        const Policy::Replica& replica) const;

  Policy& policy_;
  WorkerPool& pool_;
  OptimizerOptions options_;
  int64_t micro_batch_;
  std::vector<Policy::Replica> replicas_;  // a worker each
  std::unique_ptr<Adam> optimizer_;
};

}  // namespace pgtrain
