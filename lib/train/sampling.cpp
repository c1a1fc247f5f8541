#include "train/sampling.h"

#include <algorithm>
#include <iterator>

#include "train/step_flops.h"

namespace pgtrain {
namespace {

struct Shard {
  std::vector<Completion> completions;
  std::vector<std::string> texts;
  std::vector<Score> scores;
  CollectWork work;
};

Shard run_shard(const Policy& policy, const Dataset& data, const Reward& reward,
                const std::vector<int64_t>& records, int64_t first, int64_t last,
                int64_t samples_per_prompt, const GenerationOptions& options, DrawKey key) {
  Stopwatch watch;
  std::vector<std::vector<int64_t>> prompts;
  for (int64_t i = first; i < last; ++i)
    prompts.push_back(policy.text().encode_prompt(data[records[i]]));
  key.first_sequence += static_cast<uint32_t>(first * samples_per_prompt);
  Shard shard;
  shard.completions =
      generate(policy.model(), policy.value_head(), prompts, samples_per_prompt, options, key);
  shard.work.decode_seconds = watch.lap();
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
  shard.work.decode_flops = rollout_flops(policy.model(), shard.completions, samples_per_prompt);
  return shard;
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
  pool.run(static_cast<int64_t>(shards.size()), [&](int64_t shard, int) {
    const int64_t first = shard * groups;
    shards[shard] = run_shard(policy, data, reward, records, first, std::min(count, first + groups),
                              samples_per_prompt, options, key);
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
