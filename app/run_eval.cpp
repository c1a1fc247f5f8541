#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "actions.h"
#include "commands.h"
#include "core/error.h"
#include "core/files.h"
#include "metrics/row.h"
#include "open_policy.h"
#include "prepare_math.h"
#include "tensor/blas.h"
#include "text/unicode.h"
#include "train/embedder.h"
#include "train/evaluation.h"
#include "train/experiment.h"
#include "train/fairness.h"
#include "train/prepare.h"

namespace pgtrain {
namespace {

// A checkpoint may come from anywhere: it must not choose what runs here.
void check_commands(const ExperimentConfig& config, const EvalFlags& flags) {
  for (const RewardPartOptions& part : config.reward)
    if (!part.command.empty() && !flags.allow_command)
      throw ConfigError(fmt::format(
          "the experiment scores with the program '{}': --allow-command lets it run, --set "
          "'reward=[{{metric: edit_similarity}}]' scores without it",
          escape_text(fmt::format("{}", fmt::join(part.command, " ")))));
}

// Keys without effect on an evaluation: an option must never be ignored silently.
void check_overrides(const std::vector<std::string>& overrides) {
  constexpr std::array kKeys = {"data.eval",
                                "data.prompt_field",
                                "data.prompt_template",
                                "data.target_field",
                                "data.chat_template",
                                "data.system_prompt",
                                "eval.max_records",
                                "rollout.max_new_tokens",
                                "rollout.shard_size",
                                "run.threads",
                                "fairness",
                                "reward"};
  for (const std::string& text : overrides) {
    const std::string key = text.substr(0, text.find('='));
    const bool known = std::any_of(kKeys.begin(), kKeys.end(), [&](const std::string& allowed) {
      return key == allowed || key.rfind(allowed + ".", 0) == 0;
    });
    if (!known)
      throw ConfigError(fmt::format("--set {}: has no effect on an evaluation; what has: {}", text,
                                    fmt::join(kKeys, ", ")));
  }
}

// The output replaces what is there, so a device or a folder must not be.
void check_output(const std::filesystem::path& output) {
  std::error_code ignored;
  if (std::filesystem::exists(output, ignored) &&
      !std::filesystem::is_regular_file(output, ignored))
    throw ConfigError(fmt::format("--output {}: is not a plain file", output.string()));
}

}  // namespace

int run_eval(const EvalFlags& flags) {
  check_overrides(flags.overrides);
  check_output(flags.output);
  const auto checkpoint = find_checkpoint(flags.source);
  const auto recorded = checkpoint / "experiment.yaml";
  std::vector<std::filesystem::path> files;
  std::vector<std::string> overrides = flags.overrides;
  if (std::filesystem::exists(recorded))
    files.push_back(recorded);
  else
    overrides.emplace_back("data.train=none");  // required of an experiment, not of an evaluation
  const ExperimentConfig config = load_experiment(files, overrides);
  if (files.empty() && config.data.eval.empty())
    throw ConfigError(fmt::format("{}: has no experiment.yaml, so --set data.eval=FILE is needed",
                                  checkpoint.string()));
  check_commands(config, flags);
  const std::string path = config.data.eval.empty() ? config.data.train : config.data.eval;
  const Dataset data = load_dataset(path, config.data.prompt_field, config.data.target_field,
                                    config.data.prompt_template);
  std::unique_ptr<Policy> policy;
  Embedder embedder;
  const auto embed = [&](std::string_view text) {
    return embedder.embed(policy->tokenizer(), text);
  };
  const auto reward = prepare_reward(config, {embed, config.rollout.max_new_tokens, true});
  reward->check(data);
  check_fairness(config.fairness, data);
  prepare_math();
  policy = open_policy(checkpoint, flags.source.trained);
  const bool is_given = std::any_of(
      flags.overrides.begin(), flags.overrides.end(),
      [](const std::string& text) { return text.rfind("data.chat_template=", 0) == 0; });
  if (is_given)
    policy->set_chat(config.data.chat_template, config.data.system_prompt);
  else
    policy->set_recorded_chat(config.data.chat_template, config.data.system_prompt);
  // A checkpoint of a run without such a reward, or of its warm-up, has only the policy's own.
  if (Embedder::is_in(checkpoint))
    embedder.read(checkpoint, *policy);
  else
    embedder.freeze(*policy);  // see lib/reward/README.md
  WorkerPool pool(usable_threads(config.run.threads), use_one_thread);
  const Rollout rollout = evaluate(*policy, pool, data, *reward, config.eval.max_records,
                                   config.rollout.shard_size, config.rollout.max_new_tokens);
  if (!flags.output.empty()) {
    std::string lines;
    for (int64_t i = 0; i < rollout.size(); ++i)
      lines += to_json_line(completion_row("eval", 0, rollout, i, data, reward->part_names()));
    write_file_atomic(flags.output, lines);
  }
  Row row;
  row.set("checkpoint", checkpoint.string());
  row.set("data", path);
  row.set("records", rollout.size());
  add_rollout_metrics(row, "eval_", rollout, reward->part_names());
  add_fairness_metrics(row, "eval_", config.fairness, rollout, data);
  const std::string line = to_json_line(row);
  if (flags.json) {
    print(line);
  } else {
    const auto facts = nlohmann::ordered_json::parse(line);  // named: items() refers to it
    std::string table;
    for (const auto& [key, value] : facts.items())
      table += fmt::format("{:36} {}\n", key,
                           value.is_string() ? value.get<std::string>() : value.dump());
    print(table);
  }
  return kExitDone;
}

}  // namespace pgtrain
