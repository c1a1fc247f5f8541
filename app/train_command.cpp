#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "core/error.h"
#include "core/signals.h"
#include "train/trainer.h"

namespace pgtrain {
namespace {

struct Flags {
  std::vector<std::filesystem::path> configs;
  std::vector<std::string> overrides;
  bool json = false;
};

const char* status_of(ExitCode code) {
  if (code == kExitDone) return "done";
  return code == kExitStopped ? "stopped" : "interrupted";
}

int run_train(const Flags& flags) {
  // Only training turns signals into an orderly stop; the other commands have nothing to save and
  // simply end.
  StopFlag::install();
  const ExperimentConfig config = load_experiment(flags.configs, flags.overrides);
  prepare_math();
  const TrainOutcome outcome = Trainer(config).run();
  if (outcome.exit_code != kExitDone)
    spdlog::info("{} and saved: run the same command again to go on", status_of(outcome.exit_code));
  if (flags.json) {
    nlohmann::ordered_json line = {{"run_dir", config.run.directory},
                                   {"status", status_of(outcome.exit_code)},
                                   {"step", outcome.step}};
    if (outcome.eval_reward) line["eval_reward"] = *outcome.eval_reward;
    if (outcome.best_reward) line["best_reward"] = *outcome.best_reward;
    if (outcome.best_reward) line["best_step"] = outcome.best_step;
    print(line.dump() + "\n");
  }
  return outcome.exit_code;
}

}  // namespace

void add_train_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app.add_subcommand("train", "Run an experiment, or resume it exactly where it stopped");
  command
      ->add_option("-c,--config", flags->configs,
                   "experiment file; several are merged, later ones win")
      ->required();
  command
      ->add_option("-s,--set", flags->overrides,
                   "override one key, for example --set optimizer.learning_rate=3e-4")
      ->allow_extra_args(false);
  command->add_flag("--json", flags->json, "end with one JSON line on standard output");
  command->footer(
      "Examples:\n"
      "  pgtrain train --config configs/quickstart.yaml\n"
      "  pgtrain train --config configs/quickstart.yaml --set run.name=try2 --set "
      "algorithm.preset=a2c\n"
      "Kill it at any moment and run the same command again: it goes on from the last checkpoint "
      "and ends with the same bits.\n"
      "Then: pgtrain sample --checkpoint runs/quickstart --prompt \"en 4217\"");
  command->callback([flags, &action] { action = [flags] { return run_train(*flags); }; });
}

}  // namespace pgtrain
