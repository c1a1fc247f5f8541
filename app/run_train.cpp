#include <spdlog/spdlog.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "actions.h"
#include "commands.h"
#include "core/error.h"
#include "core/signals.h"
#include "prepare_math.h"
#include "train/trainer.h"

namespace pgtrain {
namespace {

const char* status_of(const TrainOutcome& outcome) {
  if (outcome.is_paused) return "paused";
  if (outcome.exit_code == kExitDone) return "done";
  return outcome.exit_code == kExitStopped ? "stopped" : "interrupted";
}

std::string json_line(const std::string& directory, const TrainOutcome& outcome) {
  nlohmann::ordered_json line = {
      {"run_dir", directory}, {"status", status_of(outcome)}, {"step", outcome.step}};
  if (outcome.reward) line["reward"] = *outcome.reward;
  if (outcome.eval_reward) line["eval_reward"] = *outcome.eval_reward;
  if (outcome.best_reward) line["best_reward"] = *outcome.best_reward;
  if (outcome.best_reward) line["best_step"] = outcome.best_step;
  return line.dump() + "\n";
}

}  // namespace

int run_train(const TrainFlags& flags) {
  // Only training turns signals into an orderly stop; the other commands have nothing to save and
  // simply end.
  StopFlag::install();
  const ExperimentConfig config = load_experiment(flags.configs, flags.overrides);
  prepare_math();
  const TrainOutcome outcome =
      Trainer(config).run(flags.until.value_or(std::numeric_limits<int64_t>::max()));
  if (outcome.is_paused || outcome.exit_code != kExitDone)
    spdlog::info("{} and saved: run the same command again to go on", status_of(outcome));
  if (flags.json) print(json_line(config.run.directory, outcome));
  return outcome.exit_code;
}

}  // namespace pgtrain
