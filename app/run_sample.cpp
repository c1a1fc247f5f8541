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
#include "prompting.h"
#include "rollout/generator.h"
#include "tensor/blas.h"
#include "text/unicode.h"
#include "train/sampling.h"

namespace pgtrain {
namespace {

constexpr int64_t kShardSize = 64;  // samples that one worker generates together

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

}  // namespace

int run_sample(const SampleFlags& flags) {
  const auto prompts = all_prompts(flags);
  prepare_math();
  const auto policy = open_prompted(flags.generation);
  GenerationOptions options = generation_options(flags.generation, *policy);
  std::optional<Typewriter> typewriter;
  if (prompts.size() == 1 && flags.count == 1 && !flags.json) {
    typewriter.emplace(policy->tokenizer());
    options.on_token = [&](int64_t, int64_t id) { typewriter->push(id); };
  }
  const Rng rng(flags.generation.seed, Purpose::kSample);
  WorkerPool pool(usable_threads(flags.generation.threads), use_one_thread);
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
    const int64_t room = room_for_tokens(*policy, ids.size());
    if (room < 1)
      throw DataError(fmt::format("prompt {} has {} tokens, the model reads {} at most", prompt + 1,
                                  ids.size(), policy->model().max_positions()));
    fitting.max_new_tokens = std::min(room, options.max_new_tokens);
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
