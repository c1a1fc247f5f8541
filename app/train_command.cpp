#include <CLI/CLI.hpp>

#include "actions.h"
#include "commands.h"

namespace pgtrain {

void add_train_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<TrainFlags>();
  CLI::App* command =
      app.add_subcommand("train", "Run an experiment, or resume it exactly where it stopped");
  add_experiment_flags(*command, flags->configs, flags->overrides, true,
                       "optimizer.learning_rate=3e-4");
  command
      ->add_option("--until", flags->until,
                   "stop once this many policy-gradient steps are done: save and leave with status "
                   "'paused'. The same command without it goes on, to the same bits")
      ->type_name("STEP")
      ->check(CLI::NonNegativeNumber);
  command->add_flag(
      "--json", flags->json,
      "end with one JSON line on standard output: run_dir, status (done, paused, stopped or "
      "interrupted), step, reward, eval_reward, best_reward, best_step");
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
