// Pieces that every pass over finished sequences shares: how they are cut into shards, and the
// log-probabilities of their completion tokens.
#pragma once

#include <vector>

#include "core/worker_pool.h"
#include "nn/language_model.h"
#include "tensor/id_set.h"
#include "train/policy.h"

namespace pgtrain {

// Sequences that are read, not sampled. kept: for each sequence the ids that each completion token
// was drawn from (null or empty = all), or nothing for all sequences.
struct SequenceBatch {
  std::vector<const Sequence*> sequences;
  std::vector<const std::vector<IdSet>*> kept;

  int64_t size() const { return static_cast<int64_t>(sequences.size()); }
  SequenceBatch rows(const std::vector<int64_t>& rows) const;
};

// How the threads of a run share passes over sequences: work_split.h.
struct WorkSplit {
  Parallelism parallelism = Parallelism::kSequences;
  int64_t micro_batch = 1;
};

// [batch, time] float32, 1 for each completion token; time = the longest completion, at least 1.
at::Tensor completion_mask(const std::vector<const Sequence*>& sequences);

// Row numbers cut into shards of micro_batch, those without completion tokens left out. Sequences
// with the same prompt follow each other, so that LanguageModel::hidden reads it once a shard: the
// prompt with the longest sequence comes first, and of its sequences the longest. Only the
// first and the last prompt of a shard may be read in its neighbours, too. Depends on lengths and
// equality of prompts only.
std::vector<std::vector<int64_t>> length_shards(const std::vector<const Sequence*>& sequences,
                                                int64_t micro_batch);

// Log-probability and entropy of the batch's completion tokens, [N] in the order of
// LanguageModel::hidden, which gave `hidden`. Differentiable.
LogProbs token_log_probs(const LanguageModel& model, const at::Tensor& hidden,
                         const SequenceBatch& batch, double temperature);

// [batch, time] like the mask with `packed` [N] where the mask is 1, row after row, and 0
// elsewhere. Differentiable.
at::Tensor unpack(const at::Tensor& packed, const at::Tensor& mask);

// [batch, time] like the mask: the completion tokens' log-probabilities under a network that is not
// trained here, without gradients: by micro-batches, which workers take or compute together.
at::Tensor frozen_log_probs(const LanguageModel& model, WorkerPool& pool,
                            const SequenceBatch& batch, const at::Tensor& mask, double temperature,
                            const WorkSplit& split);

// V before each completion token, likewise; the network has a value head.
at::Tensor frozen_values(const Network& network, WorkerPool& pool, const SequenceBatch& batch,
                         const at::Tensor& mask, const WorkSplit& split);

}  // namespace pgtrain
