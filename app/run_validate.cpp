#include "actions.h"
#include "commands.h"
#include "core/error.h"
#include "train/experiment.h"
#include "train/prepare.h"

namespace pgtrain {

int run_validate(const ConfigFlags& flags) {
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

}  // namespace pgtrain
