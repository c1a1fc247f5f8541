// What one step collects: sampled and scored completions, without the groups that teach nothing,
// and the greedy completions where the baseline compares with them.
#pragma once

#include "dataset/prompt_cursor.h"
#include "train/experiment.h"
#include "train/forward.h"
#include "train/sampling.h"

namespace pgtrain {

struct Experience {
  Rollout rollout;
  at::Tensor rewards;            // [batch] float32
  at::Tensor greedy_rewards;     // [groups]; undefined unless the baseline is greedy
  int64_t generated_tokens = 0;  // with those of greedy and replaced completions
  CollectWork work;              // likewise
  int64_t resample_rounds = 0;   // made
  int64_t replaced_groups = 0;   // whose rewards were all equal
};

// The total rewards, [batch]. Throws DivergenceError when one is not finite.
at::Tensor rewards_of(const Rollout& rollout);
// The parts before weighting, [batch, parts].
at::Tensor parts_of(const Rollout& rollout);
// The completions, with the ids that their tokens were drawn from. The rollout must outlive it.
SequenceBatch sequences_of(const Rollout& rollout);
// What sampling recorded, [batch, time] like the mask of the completions, 0 elsewhere.
at::Tensor sampled_log_probs(const Rollout& rollout, const at::Tensor& mask);
at::Tensor sampled_values(const Rollout& rollout, const at::Tensor& mask);
// The mask without the completions that max_new_tokens cut.
at::Tensor finished_mask(const Rollout& rollout, const at::Tensor& mask);

class Collector {
 public:
  // All must outlive it.
  Collector(const ExperimentConfig& config, const Policy& policy, WorkerPool& pool,
            const Dataset& data, const Reward& reward);

  // The next step's prompts from the cursor, sampled and scored. With algorithm.resample_rounds,
  // groups whose rewards are all equal make room for groups of further prompts, in order, until all
  // groups have some spread or the rounds are used up; what then is missing is filled with groups
  // that were taken out. Every draw depends on (seed, step, round, completion, position) only.
  Experience collect(PromptCursor& cursor, uint64_t step) const;

 private:
  Rollout sample(const std::vector<int64_t>& records, uint64_t step, uint32_t round) const;
  void resample(Experience& experience, PromptCursor& cursor, uint64_t step) const;
  Rollout greedy(const std::vector<int64_t>& records) const;

  const ExperimentConfig& config_;
  const Policy& policy_;
  WorkerPool& pool_;
  const Dataset& data_;
  const Reward& reward_;
  Rng rng_;
};

}  // namespace pgtrain
