#include "train/sampling.h"

#include <algorithm>
#include <iterator>

#include "core/parallel.h"
#include "train/step_flops.h"

namespace pgtrain {
namespace {

struct Shard {
  std::vector<Completion> completions;
  std::vector<std::string> texts;
  std::vector<Score> scores;
  CollectWork work;
};

// Completions of the records first..last-1.
struct Task {
  const Policy& policy;
  const Dataset& data;
  const Reward& reward;
  const std::vector<int64_t>& records;
  int64_t samples_per_prompt;
  int workers;  // that generate a shard together

  void generate_shard(int64_t first, int64_t last, const GenerationOptions& options, DrawKey key,
                      Shard& shard) const;
  void score(int64_t first, Shard& shard) const;
};

void Task::generate_shard(int64_t first, int64_t last, const GenerationOptions& options,
                          DrawKey key, Shard& shard) const {
  Stopwatch watch;
  std::vector<std::vector<int64_t>> prompts;
  for (int64_t i = first; i < last; ++i)
    prompts.push_back(policy.text().encode_prompt(data[records[i]]));
  key.first_sequence += static_cast<uint32_t>(first * samples_per_prompt);
  shard.completions =
      generate(policy.model(), policy.value_head(), prompts, samples_per_prompt, options, key);
  shard.work.decode_seconds = workers * watch.lap();
  shard.work.decode_flops = rollout_flops(policy.model(), shard.completions, samples_per_prompt);
}

void Task::score(int64_t first, Shard& shard) const {
  Stopwatch watch;
  std::vector<RewardInput> inputs;
  for (const Completion& completion : shard.completions)
    shard.texts.push_back(completion_text(policy.tokenizer(), completion));
  for (size_t i = 0; i < shard.texts.size(); ++i) {
    const int64_t record = records[first + static_cast<int64_t>(i) / samples_per_prompt];
    const Completion& completion = shard.completions[i];
    inputs.push_back({&data[record], shard.texts[i], completion.finished,
                      completion.sequence.completion_length()});
  }
  shard.scores = reward.score(inputs);
  shard.work.score_seconds = watch.lap();
}

}  // namespace

int64_t groups_per_shard(int64_t shard_size, int64_t samples_per_prompt) {
  return std::max<int64_t>(1, shard_size / samples_per_prompt);
}

std::string completion_text(const Tokenizer& tokenizer, const Completion& completion) {
  const auto& tokens = completion.sequence.tokens;
  return tokenizer.decode({tokens.begin() + completion.sequence.prompt_length, tokens.end()});
}

Rollout collect(const Policy& policy, WorkerPool& pool, const Dataset& data, const Reward& reward,
                const std::vector<int64_t>& records, int64_t samples_per_prompt, int64_t shard_size,
                const GenerationOptions& options, const DrawKey& key) {
  const auto count = static_cast<int64_t>(records.size());
  const int64_t groups = groups_per_shard(shard_size, samples_per_prompt);
  std::vector<Shard> shards(static_cast<size_t>((count + groups - 1) / groups));
  const bool by_operators = policy.parallelism() == Parallelism::kOperators;
  const Task task{
      policy, data, reward, records, samples_per_prompt, by_operators ? pool.size() : 1};
  const auto generate_shard = [&](size_t shard) {
    const int64_t first = static_cast<int64_t>(shard) * groups;
    task.generate_shard(first, std::min(count, first + groups), options, key, shards[shard]);
  };
  if (by_operators) {
    const TeamScope team(pool);
    for (size_t shard = 0; shard < shards.size(); ++shard) generate_shard(shard);
  }
  pool.run(static_cast<int64_t>(shards.size()), [&](int64_t shard, int) {
    if (!by_operators) generate_shard(static_cast<size_t>(shard));
    task.score(shard * groups, shards[shard]);
  });
  Rollout rollout;
  rollout.records = records;
  rollout.samples_per_prompt = samples_per_prompt;
  for (Shard& shard : shards) {
    std::move(shard.completions.begin(), shard.completions.end(),
              std::back_inserter(rollout.completions));
    std::move(shard.texts.begin(), shard.texts.end(), std::back_inserter(rollout.texts));
    std::move(shard.scores.begin(), shard.scores.end(), std::back_inserter(rollout.scores));
    rollout.work += shard.work;
  }
  return rollout;
}

}  // namespace pgtrain
