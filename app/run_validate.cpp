#include <spdlog/spdlog.h>

#include <algorithm>

#include "actions.h"
#include "commands.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/signals.h"
#include "metrics/progress.h"
#include "prepare_math.h"
#include "tensor/blas.h"
#include "train/experiment.h"
#include "train/memory_estimate.h"
#include "train/prepare.h"
#include "train/supervised.h"
#include "train/trainer.h"
#include "trial_steps.h"

namespace pgtrain {
namespace {

constexpr int64_t kTrialSteps = 2;

// What a run will take, from the last of a few steps of it. Later completions may be shorter or
// longer.
struct TimeEstimate {
  StepTimes step;
  double warmup = 0;      // of one step, with the targets as they are
  double evaluation = 0;  // of one, with completions as long as those of the step
  int64_t evaluations = 0;

  double total(const ExperimentConfig& config) const {
    return static_cast<double>(config.warmup.steps) * warmup +
           static_cast<double>(config.train.steps) * step.step +
           static_cast<double>(evaluations) * evaluation;
  }
};

// Tokens that a warm-up step reads, on average.
double tokens_of_warmup_step(const ExperimentConfig& config, const PreparedExperiment& experiment) {
  const int64_t looked_at = std::min<int64_t>(experiment.train.size(), 256);
  std::vector<int64_t> records(static_cast<size_t>(looked_at));
  for (int64_t i = 0; i < looked_at; ++i) records[static_cast<size_t>(i)] = i;
  size_t tokens = 0;
  for (const Sequence& sequence :
       target_sequences(experiment.policy.text, experiment.train, records))
    tokens += sequence.tokens.size();
  return static_cast<double>(config.warmup.batch_size) * static_cast<double>(tokens) /
         static_cast<double>(looked_at);
}

int64_t evaluations_of(const ExperimentConfig& config) {
  if (config.data.eval.empty() || config.eval.every == 0) return 0;
  return 1 + (config.train.steps + config.eval.every - 1) / config.eval.every;
}

TimeEstimate estimate_time(const ExperimentConfig& config, const PreparedExperiment& experiment) {
  const TemporaryFolder folder;
  prepare_math();
  if (spdlog::should_log(spdlog::level::info)) spdlog::set_level(spdlog::level::warn);
  Trainer trainer(only_steps(config, folder, kTrialSteps));
  TimeEstimate result;
  const auto steps = trainer.measure(kTrialSteps);
  if (steps.empty()) return result;
  result.step = steps.back();
  const auto completions =
      static_cast<double>(config.rollout.prompts_per_step * config.rollout.samples_per_prompt);
  const double updates = static_cast<double>(config.algorithm.epochs);
  const double per_token = result.step.update / updates / static_cast<double>(result.step.tokens);
  result.warmup = per_token * tokens_of_warmup_step(config, experiment);
  result.evaluations = evaluations_of(config);
  if (result.evaluations > 0) {
    int64_t records = experiment.eval->size();
    if (config.eval.max_records > 0) records = std::min(records, config.eval.max_records);
    result.evaluation = result.step.collect * static_cast<double>(records) / completions;
  }
  return result;
}

std::string time_table(const ExperimentConfig& config, const TimeEstimate& time) {
  const auto line = [](const std::string& name, int64_t count, double seconds) {
    return count == 0
               ? ""
               : fmt::format("  {:12} {:>7} x {:>8} = {}\n", name, count, format_duration(seconds),
                             format_duration(static_cast<double>(count) * seconds));
  };
  return line("warm-up", config.warmup.steps, time.warmup) +
         line("steps", config.train.steps, time.step.step) +
         line("evaluations", time.evaluations, time.evaluation) +
         fmt::format("  in all       {}\n", format_duration(time.total(config)));
}

bool runs_a_program(const ExperimentConfig& config) {
  return std::any_of(config.reward.begin(), config.reward.end(),
                     [](const RewardPartOptions& part) { return !part.command.empty(); });
}

}  // namespace

int run_validate(const ValidateFlags& flags) {
  StopFlag::install();  // a signal must not leave the temporary folder behind
  const ExperimentConfig config = load_experiment(flags.configs, flags.overrides);
  const PreparedExperiment experiment = check_experiment(config);
  print(fmt::format(
      "{}: valid\n"
      "  {} training records, {} evaluation records, vocabulary {}\n"
      "  {} parameters, {} of them trained\n"
      "  {} warm-up steps, {} steps of {} completions of at most {} tokens\n",
      config.run.directory, experiment.train.size(), experiment.eval ? experiment.eval->size() : 0,
      experiment.policy.text.tokenizer->vocab_size(), parameter_count(experiment.policy.model),
      trainable_count(experiment.policy.model), config.warmup.steps, config.train.steps,
      config.rollout.prompts_per_step * config.rollout.samples_per_prompt,
      config.rollout.max_new_tokens));
  const int workers = usable_threads(config.run.threads);
  const auto items = estimate_memory(config, experiment, workers);
  print(fmt::format("memory on {} threads, {} available:\n{}", workers,
                    format_bytes(available_memory()), memory_table(items)));
  const bool fits = available_memory() == 0 || total_bytes(items) <= available_memory();
  if (!fits)
    print("  this does not fit: training would be refused unless run.check_memory is false\n");
  for (const RewardPartOptions& part : config.reward)
    if (!part.command.empty())
      print(fmt::format("  rewards come from the program: {}\n", fmt::join(part.command, " ")));
  if (flags.quick || !fits) return kExitDone;
  if (runs_a_program(config)) {
    print("time: not tried, because that would start the program; pgtrain bench does\n");
    return kExitDone;
  }
  const TimeEstimate time = estimate_time(config, experiment);
  if (StopFlag::raised()) return StopFlag::exit_code();
  print(fmt::format(
      "time on {} threads, from {} steps of the untrained policy, tried now ({:.1f} tokens a "
      "completion):\n{}",
      workers, kTrialSteps,
      static_cast<double>(time.step.tokens) /
          static_cast<double>(config.rollout.prompts_per_step * config.rollout.samples_per_prompt),
      time_table(config, time)));
  return kExitDone;
}

}  // namespace pgtrain
