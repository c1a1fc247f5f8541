// How the threads of a run share its work: a function of the configuration and the network alone,
// because the last bits of the results depend on it.
#pragma once

#include "train/experiment.h"
#include "train/policy.h"

namespace pgtrain {

struct WorkSplit {
  Parallelism parallelism = Parallelism::kSequences;
  int64_t micro_batch = 1;
};

// run.parallel and train.micro_batch with what stands for "auto" and 0: as many sequences as keep
// the values of the backward pass of their completions within 320 MB where workers share operators
// (4 to 64 sequences, recurrent networks to 16), within 16 MB where each has micro-batches of its
// own (8 to 32, recurrent networks 32), and their logits within what linear_log_prob keeps; whole
// groups where one fits. Large networks have large matrix products with few sequences; small ones
// then stay in the cache.
WorkSplit split_work(const ExperimentConfig& config, const ModelOptions& model);

// How many workers can have something to do, at most `threads`: more would only hold gradients of
// their own.
int useful_workers(const ExperimentConfig& config, const WorkSplit& split, int threads);

// Values that the backward pass needs of one token, without logits.
int64_t activations_per_token(const ModelOptions& options);

}  // namespace pgtrain
