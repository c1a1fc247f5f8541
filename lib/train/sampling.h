// Generation and scoring of many completions on the worker pool.
#pragma once

#include <vector>

#include "core/worker_pool.h"
#include "dataset/dataset.h"
#include "reward/reward.h"
#include "rollout/generator.h"
#include "train/policy.h"
#include "train/step_times.h"

namespace pgtrain {

// Completions of some records, group after group, with their texts and scores.
struct Rollout {
  std::vector<int64_t> records;  // index of the record of each group
  int64_t samples_per_prompt = 1;
  std::vector<Completion> completions;  // records.size() * samples_per_prompt
  std::vector<std::string> texts;
  std::vector<Score> scores;
  CollectWork work;

  int64_t size() const { return static_cast<int64_t>(completions.size()); }
  int64_t record_of(int64_t i) const {
    return records[static_cast<size_t>(i / samples_per_prompt)];
  }
};

// Records whose completions make one shard: whole groups, at least one.
int64_t groups_per_shard(int64_t shard_size, int64_t samples_per_prompt);

// The completion without its prompt; special tokens give nothing.
std::string completion_text(const Tokenizer& tokenizer, const Completion& completion);

// Every shard (at most shard_size completions, whole groups) is generated and at once scored by one
// worker, so scoring overlaps with the generation of other shards; with Parallelism::kOperators all
// workers generate one shard after the other and then score them. Which completions share a shard
// depends on the arguments only. key.first_sequence is the number of the first completion.
Rollout collect(const Policy& policy, WorkerPool& pool, const Dataset& data, const Reward& reward,
                const std::vector<int64_t>& records, int64_t samples_per_prompt, int64_t shard_size,
                const GenerationOptions& options, const DrawKey& key);

}  // namespace pgtrain
