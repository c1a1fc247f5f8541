#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "actions.h"
#include "commands.h"
#include "core/error.h"
#include "core/signals.h"
#include "prepare_math.h"
#include "train/trainer.h"

namespace pgtrain {
namespace {

const char* status_of(ExitCode code) {
  if (code == kExitDone) return "done";
  return code == kExitStopped ? "stopped" : "interrupted";
}

}  // namespace

int run_train(const TrainFlags& flags) {
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

}  // namespace pgtrain
