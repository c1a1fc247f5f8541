#include <CLI/CLI.hpp>

#include "commands.h"
#include "core/error.h"
#include "train/experiment.h"
#include "train/prepare.h"

namespace pgtrain {
namespace {

struct Flags {
  std::vector<std::filesystem::path> configs;
  std::vector<std::string> overrides;
  bool changed = false;
  std::string key;
};

int run_show(const Flags& flags) {
  print(dump_experiment(load_experiment(flags.configs, flags.overrides), flags.changed));
  return kExitDone;
}

int run_validate(const Flags& flags) {
  const ExperimentConfig config = load_experiment(flags.configs, flags.overrides);
  const PreparedExperiment experiment = check_experiment(config);
  const int64_t parameters = parameter_count(experiment.model);
  print(
      fmt::format("{}: valid\n"
                  "  {} training records, {} evaluation records, vocabulary {}\n"
                  "  {} parameters; weights, gradients and optimiser state take about {} MiB\n"
                  "  {} warm-up steps, {} steps of {} completions of at most {} tokens\n",
                  config.run.directory, experiment.train.size(),
                  experiment.eval ? experiment.eval->size() : 0, experiment.tokenizer->vocab_size(),
                  parameters, (parameters * 4 * 5) >> 20, config.warmup.steps, config.train.steps,
                  config.rollout.prompts_per_step * config.rollout.samples_per_prompt,
                  config.rollout.max_new_tokens));
  for (const RewardPartOptions& part : config.reward)
    if (!part.command.empty())
      print(fmt::format("  rewards come from the program: {}\n", fmt::join(part.command, " ")));
  return kExitDone;
}

int run_explain(const Flags& flags) {
  Section root;
  ExperimentConfig config;
  describe(root, config);
  print(explain(root, flags.key));
  return kExitDone;
}

int run_schema() {
  Section root;
  ExperimentConfig config;
  describe(root, config);
  print(json_schema(root, "pgtrain experiment") + "\n");
  return kExitDone;
}

void add_sources(CLI::App* command, Flags& flags, bool required) {
  auto* option = command->add_option("-c,--config", flags.configs,
                                     "experiment file; several are merged, later ones win");
  if (required) option->required();
  command->add_option("-s,--set", flags.overrides, "override one key")->allow_extra_args(false);
}

}  // namespace

void add_config_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("config", "Show, check and explain experiment files");
  command->require_subcommand(0, 1);
  CLI::App* show = command->add_subcommand("show", "Print the resolved experiment");
  add_sources(show, *flags, true);
  show->add_flag("--changed", flags->changed, "only what differs from the defaults");
  show->callback([flags, &action] { action = [flags] { return run_show(*flags); }; });
  CLI::App* validate =
      command->add_subcommand("validate", "Check everything that can be checked without training");
  add_sources(validate, *flags, true);
  validate->callback([flags, &action] { action = [flags] { return run_validate(*flags); }; });
  CLI::App* explain_command =
      command->add_subcommand("explain", "Say what a key means; without a key, list all");
  explain_command->add_option("key", flags->key, "for example algorithm.baseline");
  explain_command->callback([flags, &action] { action = [flags] { return run_explain(*flags); }; });
  CLI::App* schema =
      command->add_subcommand("schema", "Print the JSON Schema of experiment files, for editors");
  schema->callback([&action] { action = run_schema; });
  command->footer(
      "Examples:\n"
      "  pgtrain config show --config configs/quickstart.yaml --changed\n"
      "  pgtrain config validate --config my.yaml\n"
      "  pgtrain config explain algorithm.baseline");
}

}  // namespace pgtrain
