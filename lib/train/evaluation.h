// Greedy evaluation on held-out records.
#pragma once

#include <vector>

#include "metrics/row.h"
#include "train/sampling.h"

namespace pgtrain {

// The most probable completion of each of the first max_records records (0 = all), scored.
Rollout evaluate(const Policy& policy, WorkerPool& pool, const Dataset& data, const Reward& reward,
                 int64_t max_records, int64_t shard_size, int64_t max_new_tokens);

// Adds to the row, each name after `prefix`: reward, reward_std, rewards/NAME/mean and /std,
// completions/mean_length, min_length, max_length, clipped_ratio (share that max_new_tokens cut).
void add_rollout_metrics(Row& row, const std::string& prefix, const Rollout& rollout,
                         const std::vector<std::string>& part_names);

// One line of completions.jsonl: what was generated, its target, what each part of the reward gave
// and why, where a part has more to say ("notes": "blocklist: a, b").
Row completion_row(const std::string& phase, int64_t step, const Rollout& rollout, int64_t index,
                   const Dataset& data, const std::vector<std::string>& part_names);

}  // namespace pgtrain
