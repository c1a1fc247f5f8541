#include <CLI/CLI.hpp>
#include <charconv>

#include "actions.h"
#include "checkpoint_flags.h"
#include "commands.h"
#include "core/error.h"

namespace pgtrain {
namespace {

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

void add_generation_flags(CLI::App& command, GenerationFlags& flags) {
  command.add_option("--max-new-tokens", flags.max_new_tokens, "longest completion")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command.add_option("--temperature", flags.sampler.temperature, "divides the logits; 0 = greedy")
      ->check(between(1e-3, 1e3, true))
      ->capture_default_str();
  command.add_option("--top-k", flags.sampler.top_k, "only the k most probable tokens; 0 = all")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  command
      .add_option("--top-p", flags.sampler.top_p,
                  "only the most probable tokens that together reach this probability")
      ->check(between(1e-9, 1))
      ->capture_default_str();
  command
      .add_option("--repetition-penalty", flags.sampler.repetition_penalty,
                  "above 1: tokens already seen become less probable")
      ->check(between(1e-3, 1e3))
      ->capture_default_str();
  command
      .add_option("--no-repeat-ngram", flags.sampler.no_repeat_ngram,
                  "no n-gram of this length twice; 0 = allowed")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  command.add_flag("--greedy", flags.greedy, "always the most probable token")
      ->excludes("--temperature")
      ->excludes("--top-k")
      ->excludes("--top-p");
  command.add_option("--seed", flags.seed, "another seed, other samples")
      ->check(whole_number())
      ->capture_default_str();
  command.add_option("--threads", flags.threads, "worker threads; 0 = one for each core")
      ->check(CLI::Range(0, 4096));
  command.add_option("--system", flags.system, "with a chat template: the system message");
}

}  // namespace

void add_sample_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<SampleFlags>();
  CLI::App* command = app.add_subcommand("sample", "Generate text from a checkpoint");
  add_checkpoint_flags(*command, flags->generation.source);
  command
      ->add_option("-p,--prompt", flags->prompts,
                   "prompt; may be given several times; default: the empty prompt")
      ->allow_extra_args(false);
  command->add_option("--prompts", flags->prompt_file,
                      "file with one prompt a line, or - for standard input");
  command->add_option("-n,--count", flags->count, "samples of each prompt")
      ->check(CLI::Range(1, 1 << 16))
      ->capture_default_str();
  add_generation_flags(*command, flags->generation);
  command->add_flag("--chat", flags->generation.chat,
                    "prompts are a user's messages, by the model's chat template; runs with "
                    "data.chat_template need no flag");
  command->add_flag("--json", flags->json,
                    "one JSON object a line: prompt, completion, tokens, log_prob, finished");
  command->footer(
      "Examples:\n"
      "  pgtrain sample --checkpoint runs/quickstart --prompt \"en 4217\" --count 4\n"
      "  pgtrain sample --checkpoint runs/quickstart --prompts prompts.txt --greedy --json\n"
      "  pgtrain sample --model SmolLM2-135M-Instruct.gguf --chat --prompt \"Tell me a story.\"");
  command->callback([flags, &action] { action = [flags] { return run_sample(*flags); }; });
}

void add_chat_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<GenerationFlags>();
  flags->prefer_chat = true;
  CLI::App* command = app.add_subcommand("chat", "Talk with a policy, line by line");
  add_checkpoint_flags(*command, flags->source);
  add_generation_flags(*command, *flags);
  command->footer(
      "Each line is a message; the answer is printed as it grows. With a chat template (the run's, "
      "else the model's)\n"
      "the policy sees the whole conversation, the oldest turns leaving when its positions run "
      "out; without one,\n"
      "each line is a prompt of its own.\n"
      "/reset forgets the conversation, /quit ends it, as the end of the input does.\n"
      "Examples:\n"
      "  pgtrain chat --checkpoint runs/dialogue --temperature 0.7\n"
      "  pgtrain chat --model SmolLM2-135M-Instruct.gguf --system \"Answer in one sentence.\"");
  command->callback([flags, &action] { action = [flags] { return run_chat(*flags); }; });
}

}  // namespace pgtrain
