#include <CLI/CLI.hpp>

#include "actions.h"
#include "commands.h"
#include "core/error.h"
#include "train/experiment.h"

namespace pgtrain {
namespace {

struct ConfigFlags {
  std::vector<std::filesystem::path> configs;
  std::vector<std::string> overrides;
  bool changed = false;
  std::string key;
};

int run_show(const ConfigFlags& flags) {
  print(dump_experiment(load_experiment(flags.configs, flags.overrides), flags.changed));
  return kExitDone;
}

int run_explain(const ConfigFlags& flags) {
  Section root;
  ExperimentConfig config;
  describe(root, config);
  print(explain(root, flags.key));
  return kExitDone;
}

int run_schema() {
  print(schema_text());
  return kExitDone;
}

}  // namespace

std::string schema_text() {
  Section root;
  ExperimentConfig config;
  describe(root, config);
  return json_schema(root, "pgtrain experiment") + "\n";
}

void add_experiment_flags(CLI::App& command, std::vector<std::filesystem::path>& configs,
                          std::vector<std::string>& overrides, bool required,
                          const std::string& example) {
  auto* option = command.add_option("-c,--config", configs,
                                    "experiment file; several are merged, later ones win");
  if (required) option->required();
  const std::string help = "override one key";
  command
      .add_option("-s,--set", overrides,
                  example.empty() ? help : help + ", for example --set " + example)
      ->allow_extra_args(false);
}

void add_validate_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ValidateFlags>();
  CLI::App* command = app.add_subcommand(
      "validate", "Check everything that can be checked without training, and what it will take");
  add_experiment_flags(*command, flags->configs, flags->overrides, true);
  command->add_flag("--quick", flags->quick, "no estimate of the time, for which steps are tried");
  command->footer(
      "Reads data, tokenizer and model, works out the memory, and tries two steps to tell the "
      "time; nothing is kept.\n"
      "Example:\n  pgtrain validate --config configs/quickstart.yaml");
  command->callback([flags, &action] { action = [flags] { return run_validate(*flags); }; });
}

void add_config_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ConfigFlags>();
  CLI::App* command = app.add_subcommand("config", "Show and explain experiment files");
  command->require_subcommand(0, 1);
  CLI::App* show = command->add_subcommand("show", "Print the resolved experiment");
  add_experiment_flags(*show, flags->configs, flags->overrides, true);
  show->add_flag("--changed", flags->changed, "only what differs from the defaults");
  show->callback([flags, &action] { action = [flags] { return run_show(*flags); }; });
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
      "  pgtrain config explain algorithm.baseline");
}

}  // namespace pgtrain
