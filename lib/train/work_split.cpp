#include "train/work_split.h"

#include <algorithm>

#include "tensor/linear_log_prob.h"
#include "train/sampling.h"

namespace pgtrain {
namespace {

constexpr int64_t kKeptLogits = kKeptLogitBytes / static_cast<int64_t>(sizeof(float));

// Where workers have micro-batches of their own, a mini-batch should have some for each of a few.
constexpr int64_t kShards = 4;
constexpr int64_t kFewestSequences = 4;

// How many values of the backward pass a micro-batch may need, and its sequences.
struct Bounds {
  int64_t values, fewest, most;
};

Bounds bounds_of(const ModelOptions& model, Parallelism parallelism) {
  constexpr int64_t kMillion = int64_t{1} << 20;
  // The steps of recurrent networks have as many rows as sequences.
  if (parallelism == Parallelism::kOperators)
    return {80 * kMillion, 4, model.is_recurrent() ? 16 : 64};
  return {4 * kMillion, model.is_recurrent() ? 32 : 8, 32};
}

Parallelism parallelism_of(const RunOptions& run, const ModelOptions& model) {
  if (run.parallel == "sequences") return Parallelism::kSequences;
  if (run.parallel == "operators") return Parallelism::kOperators;
  return default_parallelism(model);
}

int64_t micro_batch_of(const ExperimentConfig& config, const ModelOptions& model,
                       Parallelism parallelism, int64_t longest_prompt) {
  if (config.train.micro_batch > 0) return config.train.micro_batch;
  const Bounds bounds = bounds_of(model, parallelism);
  const auto fits = [&](int64_t count) {
    const int64_t completions = count * config.rollout.max_new_tokens;
    const int64_t prompts = prompts_at_once(config, model, count) * longest_prompt;
    const int64_t logits = completions * model.vocab_size;
    return logits <= kKeptLogits &&
           (completions + prompts) * activations_per_token(model) + logits <= bounds.values;
  };
  int64_t count = bounds.most;
  if (parallelism == Parallelism::kSequences) {
    const int64_t mini_batch = config.rollout.prompts_per_step * config.rollout.samples_per_prompt /
                               config.algorithm.mini_batches;
    count = std::clamp(mini_batch / kShards, kFewestSequences, count);
  }
  while (count > bounds.fewest && !fits(count)) --count;
  const int64_t group = config.rollout.samples_per_prompt;
  return count > group ? count / group * group : count;
}

int64_t shards(int64_t items, int64_t size) { return (items + size - 1) / size; }

}  // namespace

WorkSplit split_work(const ExperimentConfig& config, const ModelOptions& model,
                     int64_t longest_prompt) {
  const Parallelism parallelism = parallelism_of(config.run, model);
  return {parallelism, micro_batch_of(config, model, parallelism, longest_prompt)};
}

const char* name_of(Parallelism parallelism) {
  return parallelism == Parallelism::kOperators ? "operators" : "sequences";
}

int useful_workers(const ExperimentConfig& config, const WorkSplit& split, int threads) {
  if (split.parallelism == Parallelism::kOperators) return threads;
  const RolloutOptions& rollout = config.rollout;
  const int64_t groups = groups_per_shard(rollout.shard_size, rollout.samples_per_prompt);
  const int64_t most =
      std::max({shards(rollout.prompts_per_step, groups),
                shards(rollout.prompts_per_step * rollout.samples_per_prompt, split.micro_batch),
                shards(config.warmup.batch_size, split.micro_batch)});
  return static_cast<int>(std::min<int64_t>(threads, most));
}

int64_t activations_per_token(const ModelOptions& options) {
  if (options.is_recurrent())
    return options.embedding_size +
           options.num_layers * (options.kind == "lstm" ? 10 : 9) * options.hidden_size;
  const int64_t query = options.num_heads * options.resolved_head_dim();
  const int64_t key = options.resolved_kv_heads() * options.resolved_head_dim();
  return options.num_layers *
         (5 * options.hidden_size + 2 * query + 2 * key + 3 * options.resolved_intermediate_size());
}

int64_t prompts_at_once(const ExperimentConfig& config, const ModelOptions& model,
                        int64_t micro_batch) {
  const int64_t group = config.rollout.samples_per_prompt;
  const bool drops = model.lora.enabled() && model.lora.dropout > 0;
  const bool mixes = config.algorithm.mini_batches > 1 || config.warmup.steps > 0 ||
                     config.algorithm.supervised_coef > 0;
  if (drops || mixes) return micro_batch;
  const bool cuts_groups = micro_batch % group != 0;
  return std::min(micro_batch, (micro_batch + group - 1) / group + (cuts_groups ? 1 : 0));
}

}  // namespace pgtrain
