#include <algorithm>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "actions.h"
#include "commands.h"
#include "core/error.h"
#include "core/files.h"
#include "core/parallel.h"
#include "core/worker_pool.h"
#include "open_policy.h"
#include "prepare_math.h"
#include "rollout/generator.h"
#include "tensor/blas.h"
#include "text/stream_decoder.h"
#include "text/unicode.h"
#include "train/experiment.h"
#include "train/sampling.h"

namespace pgtrain {
namespace {

constexpr int64_t kShardSize = 64;  // samples that one worker generates together

void check_utf8(const std::string& prompt, const std::string& place) {
  const size_t invalid = find_invalid_utf8(prompt);
  if (invalid != std::string_view::npos)
    throw DataError(fmt::format("{}: byte {} is not valid UTF-8", place, invalid));
}

// Adds the lines of a file, or of standard input for "-"; without a final CR.
void read_prompts(const std::string& path, std::vector<std::string>& prompts) {
  std::istringstream in(path == "-" ? std::string(std::istreambuf_iterator<char>(std::cin), {})
                                    : read_file(path));
  int64_t number = 0;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    check_utf8(line, fmt::format("{}:{}", path == "-" ? "standard input" : path, ++number));
    prompts.push_back(std::move(line));
  }
}

std::vector<std::string> all_prompts(const SampleFlags& flags) {
  std::vector<std::string> prompts = flags.prompts;
  for (size_t i = 0; i < prompts.size(); ++i)
    check_utf8(prompts[i], fmt::format("prompt {}", i + 1));
  if (!flags.prompt_file.empty())
    read_prompts(flags.prompt_file, prompts);
  else if (prompts.empty())
    prompts.emplace_back();
  return prompts;
}

std::string json_line(const Policy& policy, const std::string& prompt, const Completion& completion,
                      bool greedy) {
  double log_prob = 0;
  for (const float value : completion.log_probs) log_prob += static_cast<double>(value);
  nlohmann::ordered_json line = {{"prompt", prompt},
                                 {"completion", completion_text(policy.tokenizer(), completion)},
                                 {"tokens", completion.sequence.completion_length()},
                                 {"log_prob", nullptr},
                                 {"finished", completion.finished}};
  if (!greedy) line["log_prob"] = log_prob;  // greedy decoding samples from no distribution
  return line.dump() + "\n";
}

// The chat template that the run was trained with, where it had one.
DataOptions recorded_data(const std::filesystem::path& checkpoint) {
  const auto file = checkpoint / "experiment.yaml";
  return std::filesystem::exists(file) ? load_experiment({file}, {}).data : DataOptions();
}

void set_chat(Policy& policy, const SampleFlags& flags, const std::filesystem::path& checkpoint) {
  DataOptions data = recorded_data(checkpoint);
  if (flags.chat && data.chat_template.empty()) data.chat_template = "model";
  if (!flags.system.empty()) {
    if (data.chat_template.empty())
      throw ConfigError("--system has no effect without a chat template: add --chat");
    data.system_prompt = flags.system;
  }
  policy.set_recorded_chat(data.chat_template, data.system_prompt);
}

// At most what the model's positions leave room for.
int64_t room_for_tokens(const Policy& policy, int64_t prompt, size_t prompt_tokens,
                        int64_t wanted) {
  const int64_t positions = policy.model().max_positions();
  if (positions == 0) return wanted;
  const int64_t room = positions - static_cast<int64_t>(prompt_tokens) + 1;
  if (room < 1)
    throw DataError(fmt::format("prompt {} has {} tokens, the model reads {} at most", prompt + 1,
                                prompt_tokens, positions));
  return std::min(wanted, room);
}

// Prints a completion as it grows, whole characters at a time.
class Typewriter {
 public:
  explicit Typewriter(const Tokenizer& tokenizer) : decoder_(tokenizer.stream_decoder()) {}
  void push(int64_t id) { print(decoder_->push(id)); }
  void finish() { print(decoder_->finish() + "\n"); }

 private:
  std::unique_ptr<StreamDecoder> decoder_;
};

}  // namespace

int run_sample(const SampleFlags& flags) {
  const auto prompts = all_prompts(flags);
  prepare_math();
  const auto checkpoint = find_checkpoint(flags.source);
  const auto policy = open_policy(checkpoint, flags.source.trained);
  set_chat(*policy, flags, checkpoint);
  GenerationOptions options;
  options.max_new_tokens = flags.max_new_tokens;
  options.end_ids = policy->tokenizer().end_ids();
  options.sampler = flags.sampler;
  if (flags.greedy) options.sampler.temperature = 0;
  std::optional<Typewriter> typewriter;
  if (prompts.size() == 1 && flags.count == 1 && !flags.json) {
    typewriter.emplace(policy->tokenizer());
    options.on_token = [&](int64_t, int64_t id) { typewriter->push(id); };
  }
  const Rng rng(flags.seed, Purpose::kSample);
  WorkerPool pool(usable_threads(flags.threads), use_one_thread);
  // Shards of one prompt: large counts need no more memory at once, and have all workers at work.
  const int64_t shards_per_prompt = (flags.count + kShardSize - 1) / kShardSize;
  std::vector<std::vector<Completion>> results(prompts.size() *
                                               static_cast<size_t>(shards_per_prompt));
  const auto run_shard = [&](int64_t shard, int) {
    const int64_t prompt = shard / shards_per_prompt;
    const int64_t first = shard % shards_per_prompt * kShardSize;
    const DrawKey key{&rng, static_cast<uint64_t>(prompt), static_cast<uint32_t>(first)};
    Record record;
    record.prompt = prompts[prompt];
    const std::vector<int64_t> ids = policy->text().encode_prompt(record);
    GenerationOptions fitting = options;
    fitting.max_new_tokens = room_for_tokens(*policy, prompt, ids.size(), options.max_new_tokens);
    results[shard] = generate(policy->model(), nullptr, {ids},
                              std::min(kShardSize, flags.count - first), fitting, key);
  };
  const auto shards = static_cast<int64_t>(results.size());
  if (policy->parallelism() == Parallelism::kOperators) {
    const TeamScope team(pool);
    for (int64_t shard = 0; shard < shards; ++shard) run_shard(shard, 0);
  } else {
    pool.run(shards, run_shard);
  }
  if (typewriter) {
    typewriter->finish();
    return kExitDone;
  }
  for (size_t i = 0; i < results.size(); ++i)
    for (const Completion& completion : results[i])
      print(flags.json ? json_line(*policy, prompts[i / static_cast<size_t>(shards_per_prompt)],
                                   completion, options.sampler.temperature == 0)
                       : completion_text(policy->tokenizer(), completion) + "\n");
  return kExitDone;
}

}  // namespace pgtrain
