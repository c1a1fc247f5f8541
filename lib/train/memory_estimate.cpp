#include "train/memory_estimate.h"

#include <algorithm>

#include "core/error.h"
#include "core/memory.h"
#include "nn/layer_names.h"
#include "train/work_split.h"

namespace pgtrain {
namespace {

constexpr int64_t kBytes = 4;  // of a float32

// What decoding keeps of one token, or of a whole text for recurrent networks.
int64_t cache_per_token(const ModelOptions& o) {
  return o.num_layers * 2 * o.resolved_kv_heads() * o.resolved_head_dim();
}

class Items {
 public:
  // factors[0] x factors[1] x ... x 4 B
  void add(const std::string& name, const std::vector<std::pair<int64_t, std::string>>& factors) {
    MemoryItem item;
    item.name = name;
    item.bytes = kBytes;
    for (const auto& [factor, what] : factors) {
      item.bytes *= static_cast<uint64_t>(factor);
      item.arithmetic += fmt::format("{} {} x ", factor, what);
    }
    item.arithmetic += "4 B";
    if (item.bytes > 0) items_.push_back(std::move(item));
  }
  std::vector<MemoryItem> take() { return std::move(items_); }

 private:
  std::vector<MemoryItem> items_;
};

}  // namespace

int64_t trainable_count(const ModelOptions& options) {
  if (!options.lora.enabled()) return parameter_count(options);
  int64_t count = 0;
  for (const std::string& layer : adaptable_layers(options)) {
    if (!is_adapted(layer, options.lora.target_modules)) continue;
    const LayerSize size = layer_size(options, layer);
    count += options.lora.rank * (size.inputs + size.outputs);
  }
  return count;
}

std::vector<MemoryItem> estimate_memory(const ExperimentConfig& config,
                                        const PreparedExperiment& experiment, int workers) {
  const ModelOptions& model = experiment.policy.model;
  const AlgorithmOptions& algorithm = config.algorithm;
  const bool separate = algorithm.baseline == "value" && algorithm.value_network == "separate";
  const int64_t policy = trainable_count(model);
  const int64_t trained = separate ? 2 * policy : policy;
  Items items;
  if (model.lora.enabled()) items.add("frozen weights", {{parameter_count(model), "parameters"}});
  items.add("trained weights", {{trained, "parameters"}});
  const WorkSplit split = split_work(config, model, experiment.longest_prompt);
  const bool by_operators = split.parallelism == Parallelism::kOperators;
  const int64_t at_once = by_operators ? 1 : workers;  // micro-batches, shards of completions
  if (by_operators)
    items.add("gradient", {{trained, "parameters"}});
  else
    items.add("gradients", {{workers + 1, "(one a thread and the sum)"}, {trained, "parameters"}});
  const bool is_sgd = config.optimizer.kind == "sgd";
  const int64_t moments = is_sgd ? (config.optimizer.momentum > 0 ? 1 : 0) : 2;
  items.add("optimiser state", {{moments, "moments"}, {trained, "parameters"}});
  if (algorithm.uses_reference()) items.add("reference model", {{policy, "parameters"}});
  if (config.optimizer.ema_decay > 0) items.add("average of the weights", {{policy, "parameters"}});

  const int64_t prompt = experiment.longest_prompt;
  const int64_t tokens = prompt + config.rollout.max_new_tokens;
  const int64_t micro_batch = std::min(
      split.micro_batch, config.rollout.prompts_per_step * config.rollout.samples_per_prompt);
  const int64_t prompts = prompts_at_once(config, model, micro_batch);
  items.add("activations of the update",
            {{at_once, "at once"},
             {micro_batch * config.rollout.max_new_tokens + prompts * prompt,
              fmt::format("tokens ({} sequences of train.micro_batch, {} prompts)", micro_batch,
                          prompts)},
             {activations_per_token(model), "values"}});
  const int64_t logits = std::min(kKeptLogitBytes / kBytes,
                                  micro_batch * config.rollout.max_new_tokens * model.vocab_size);
  items.add("logits", {{at_once, "at once"}, {2 * logits, "values"}});
  if (model.is_transformer()) {
    const int64_t rows = std::min(config.rollout.shard_size, config.rollout.prompts_per_step *
                                                                 config.rollout.samples_per_prompt);
    items.add("keys and values in generation", {{at_once, "at once"},
                                                {rows, "texts (rollout.shard_size)"},
                                                {tokens, "tokens"},
                                                {cache_per_token(model), "values"}});
  }
  return items.take();
}

uint64_t total_bytes(const std::vector<MemoryItem>& items) {
  uint64_t total = 0;
  for (const MemoryItem& item : items) total += item.bytes;
  return total;
}

std::string memory_table(const std::vector<MemoryItem>& items) {
  std::string table;
  for (const MemoryItem& item : items)
    table +=
        fmt::format("  {:30} {:>8}  {}\n", item.name, format_bytes(item.bytes), item.arithmetic);
  return table + fmt::format("  {:30} {:>8}\n", "in all", format_bytes(total_bytes(items)));
}

void check_memory(const std::vector<MemoryItem>& items, uint64_t available) {
  if (available == 0 || total_bytes(items) <= available) return;
  throw ConfigError(fmt::format(
      "the run does not fit into memory: {} are available, it needs about {}:\n{}"
      "Lower train.micro_batch, rollout.shard_size or run.threads, use model.lora, or set "
      "run.check_memory: false to try it all the same.",
      format_bytes(available), format_bytes(total_bytes(items)), memory_table(items)));
}

}  // namespace pgtrain
