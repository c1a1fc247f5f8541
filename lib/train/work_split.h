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

// run.parallel and train.micro_batch with what stands for "auto" and 0. A network below
// kManyParameters gets micro-batches of 32 sequences. A larger one gets as many as keep the values
// of the backward pass within 256 MB, 4 to 64: its matrix products are large enough with few
// sequences, and its memory is better spent on weights.
WorkSplit split_work(const ExperimentConfig& config, const ModelOptions& model);

// How many workers can have something to do, at most `threads`: more would only hold gradients of
// their own.
int useful_workers(const ExperimentConfig& config, const WorkSplit& split, int threads);

// Values that the backward pass needs of one token, without logits.
int64_t activations_per_token(const ModelOptions& options);

}  // namespace pgtrain
