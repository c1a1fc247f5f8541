// How the threads of a run share its work: a function of the configuration, the data and the
// network alone, because the last bits of the results depend on it.
#pragma once

#include "train/experiment.h"
#include "train/forward.h"

namespace pgtrain {

// run.parallel and train.micro_batch with what stands for "auto" and 0: as many sequences as keep
// the values of the backward pass, with logits, within 320 MB where workers share operators (4 to
// 64 sequences, recurrent networks to 16) or within 16 MB where each has micro-batches of its own
// (8 to 32, recurrent networks 32, but at most a quarter of a mini-batch), and their logits within
// what linear_log_prob keeps; whole groups where one fits. Large networks have large matrix
// products with few sequences; small ones then stay in the cache. longest_prompt: tokens.
WorkSplit split_work(const ExperimentConfig& config, const ModelOptions& model,
                     int64_t longest_prompt);

// "sequences" or "operators".
const char* name_of(Parallelism parallelism);

// How many workers can have something to do, at most `threads`: more would only hold gradients of
// their own.
int useful_workers(const ExperimentConfig& config, const WorkSplit& split, int threads);

// Values that the backward pass needs of one token, without logits.
int64_t activations_per_token(const ModelOptions& options);

// Different prompts that the update may read for a micro-batch, at most: those of the samples of
// one prompt are read once, unless dropout or a mixture of groups forbids it.
int64_t prompts_at_once(const ExperimentConfig& config, const ModelOptions& model,
                        int64_t micro_batch);

}  // namespace pgtrain
