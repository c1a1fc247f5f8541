#include "train/evaluation.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "metrics/meter.h"

namespace pgtrain {
namespace {

template <class Value>
Stats stats_of(int64_t count, const Value& value) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(value(i));
  return summarize(values);
}

}  // namespace

Rollout evaluate(const Policy& policy, WorkerPool& pool, const Dataset& data, const Reward& reward,
                 int64_t max_records, int64_t shard_size, int64_t max_new_tokens) {
  const int64_t count = max_records > 0 ? std::min(max_records, data.size()) : data.size();
  std::vector<int64_t> records(static_cast<size_t>(count));
  std::iota(records.begin(), records.end(), int64_t{0});
  GenerationOptions options;
  options.max_new_tokens = max_new_tokens;
  options.end_ids = policy.tokenizer().end_ids();
  options.sampler.temperature = 0;
  const Rng unused(0, Purpose::kSample);
  return collect(policy, pool, data, reward, records, 1, shard_size, options, {&unused, 0, 0});
}

void add_rollout_metrics(Row& row, const std::string& prefix, const Rollout& rollout,
                         const std::vector<std::string>& part_names) {
  const int64_t count = rollout.size();
  const Stats reward = stats_of(count, [&](int64_t i) { return rollout.scores[i].total; });
  row.set(prefix + "reward", reward.mean);
  row.set(prefix + "reward_std", reward.std);
  for (size_t part = 0; part < part_names.size(); ++part) {
    const Stats value = stats_of(count, [&](int64_t i) { return rollout.scores[i].parts[part]; });
    row.set(prefix + "rewards/" + part_names[part] + "/mean", value.mean);
    row.set(prefix + "rewards/" + part_names[part] + "/std", value.std);
  }
  const auto& completions = rollout.completions;
  const Stats length = stats_of(count, [&](int64_t i) {
    return static_cast<double>(completions[i].sequence.completion_length());
  });
  const auto cut = std::count_if(completions.begin(), completions.end(),
                                 [](const Completion& c) { return !c.finished; });
  row.set(prefix + "completions/mean_length", length.mean);
  row.set(prefix + "completions/min_length", static_cast<int64_t>(length.min));
  row.set(prefix + "completions/max_length", static_cast<int64_t>(length.max));
  row.set(prefix + "completions/clipped_ratio",
          static_cast<double>(cut) / static_cast<double>(count));
}

Row completion_row(const std::string& phase, int64_t step, const Rollout& rollout, int64_t index,
                   const Dataset& data, const std::vector<std::string>& part_names) {
  const Record& record = data[rollout.record_of(index)];
  const Completion& completion = rollout.completions[index];
  const Score& score = rollout.scores[index];
  Row row;
  row.set("phase", phase);
  row.set("step", step);
  row.set("line", record.line);
  row.set("prompt", record.prompt);
  row.set("completion", rollout.texts[index]);
  row.set("target", record.targets[0]);
  row.set("reward", score.total);
  for (size_t part = 0; part < part_names.size(); ++part)
    row.set("rewards/" + part_names[part], score.parts[part]);
  if (!score.notes.empty()) row.set("notes", fmt::format("{}", fmt::join(score.notes, "; ")));
  row.set("length", completion.sequence.completion_length());
  row.set("finished", int64_t{completion.finished ? 1 : 0});
  return row;
}

}  // namespace pgtrain
