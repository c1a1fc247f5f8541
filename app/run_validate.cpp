#include "actions.h"
#include "commands.h"
#include "core/error.h"
#include "core/memory.h"
#include "tensor/blas.h"
#include "train/experiment.h"
#include "train/memory_estimate.h"
#include "train/prepare.h"

namespace pgtrain {

int run_validate(const ConfigFlags& flags) {
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
  if (available_memory() > 0 && total_bytes(items) > available_memory())
    print("  this does not fit: training would be refused unless run.check_memory is false\n");
  for (const RewardPartOptions& part : config.reward)
    if (!part.command.empty())
      print(fmt::format("  rewards come from the program: {}\n", fmt::join(part.command, " ")));
  return kExitDone;
}

}  // namespace pgtrain
