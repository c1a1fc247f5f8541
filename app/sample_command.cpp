#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "commands.h"
#include "core/error.h"
#include "core/files.h"
#include "core/worker_pool.h"
#include "open_policy.h"
#include "rollout/generator.h"
#include "tensor/blas.h"
#include "text/unicode.h"
#include "train/sampling.h"

namespace pgtrain {
namespace {

constexpr int64_t kShardSize = 64;  // samples that one worker generates together

struct Flags {
  CheckpointFlags source;
  std::vector<std::string> prompts;
  std::string prompt_file;
  int64_t count = 1;
  int64_t max_new_tokens = 256;
  uint64_t seed = 0;
  int threads = 0;
  bool greedy = false;
  bool json = false;
  SamplerOptions sampler;
};

// CLI::Range lets NaN pass.
CLI::Validator between(double low, double high, bool or_zero = false) {
  const std::string range = fmt::format("{}{:g} to {:g}", or_zero ? "0 or " : "", low, high);
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        double value = 0;
        const bool is_number = CLI::detail::lexical_cast(text, value);
        if (is_number && ((value >= low && value <= high) || (or_zero && value == 0))) return "";
        return fmt::format("must be {}, not {}", range, text);
      },
      range, "between");
}

// CLI11 takes -1 and numbers past 64 bits for others.
CLI::Validator whole_number() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error == std::errc() && end == text.data() + text.size()) return "";
        return fmt::format("must be a whole number from 0 to {}, not {}", UINT64_MAX, text);
      },
      "0 to 2^64 - 1", "whole number");
}

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

std::vector<std::string> all_prompts(const Flags& flags) {
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

int run_sample(const Flags& flags) {
  const auto prompts = all_prompts(flags);
  prepare_math();
  const auto policy = open_policy(find_checkpoint(flags.source), flags.source.trained);
  GenerationOptions options;
  options.max_new_tokens = flags.max_new_tokens;
  options.end_ids = policy->tokenizer().end_ids();
  options.sampler = flags.sampler;
  if (flags.greedy) options.sampler.temperature = 0;
  const Rng rng(flags.seed, Purpose::kSample);
  WorkerPool pool(usable_threads(flags.threads), use_one_thread);
  // Shards of one prompt: large counts need no more memory at once, and have all workers at work.
  const int64_t shards_per_prompt = (flags.count + kShardSize - 1) / kShardSize;
  std::vector<std::vector<Completion>> results(prompts.size() *
                                               static_cast<size_t>(shards_per_prompt));
  pool.run(static_cast<int64_t>(results.size()), [&](int64_t shard, int) {
    const int64_t prompt = shard / shards_per_prompt;
    const int64_t first = shard % shards_per_prompt * kShardSize;
    const DrawKey key{&rng, static_cast<uint64_t>(prompt), static_cast<uint32_t>(first)};
    results[shard] =
        generate(policy->model(), nullptr, {policy->tokenizer().encode_prompt(prompts[prompt])},
                 std::min(kShardSize, flags.count - first), options, key);
  });
  for (size_t i = 0; i < results.size(); ++i)
    for (const Completion& completion : results[i])
      print(flags.json ? json_line(*policy, prompts[i / static_cast<size_t>(shards_per_prompt)],
                                   completion, options.sampler.temperature == 0)
                       : completion_text(policy->tokenizer(), completion) + "\n");
  return kExitDone;
}

}  // namespace

void add_sample_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("sample", "Generate text from a checkpoint");
  add_checkpoint_flags(*command, flags->source);
  command
      ->add_option("-p,--prompt", flags->prompts,
                   "prompt; may be given several times; default: the empty prompt")
      ->allow_extra_args(false);
  command->add_option("--prompts", flags->prompt_file,
                      "file with one prompt a line, or - for standard input");
  command->add_option("-n,--count", flags->count, "samples of each prompt")
      ->check(CLI::Range(1, 1 << 16))
      ->capture_default_str();
  command->add_option("--max-new-tokens", flags->max_new_tokens, "longest completion")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--temperature", flags->sampler.temperature, "divides the logits; 0 = greedy")
      ->check(between(1e-3, 1e3, true))
      ->capture_default_str();
  command->add_option("--top-k", flags->sampler.top_k, "only the k most probable tokens; 0 = all")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  command
      ->add_option("--top-p", flags->sampler.top_p,
                   "only the most probable tokens that together reach this probability")
      ->check(between(1e-9, 1))
      ->capture_default_str();
  command
      ->add_option("--repetition-penalty", flags->sampler.repetition_penalty,
                   "above 1: tokens already seen become less probable")
      ->check(between(1e-3, 1e3))
      ->capture_default_str();
  command
      ->add_option("--no-repeat-ngram", flags->sampler.no_repeat_ngram,
                   "no n-gram of this length twice; 0 = allowed")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  command->add_flag("--greedy", flags->greedy, "always the most probable token")
      ->excludes("--temperature")
      ->excludes("--top-k")
      ->excludes("--top-p");
  command->add_option("--seed", flags->seed, "another seed, other samples")
      ->check(whole_number())
      ->capture_default_str();
  command->add_option("--threads", flags->threads, "worker threads; 0 = one for each core")
      ->check(CLI::Range(0, 4096));
  command->add_flag("--json", flags->json,
                    "one JSON object a line: prompt, completion, tokens, log_prob, finished");
  command->footer(
      "Examples:\n"
      "  pgtrain sample --checkpoint runs/quickstart --prompt \"en 4217\" --count 4\n"
      "  pgtrain sample --checkpoint runs/quickstart --prompts prompts.txt --greedy --json");
  command->callback([flags, &action] { action = [flags] { return run_sample(*flags); }; });
}

}  // namespace pgtrain
