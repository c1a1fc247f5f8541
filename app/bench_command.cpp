#include <CLI/CLI.hpp>

#include "actions.h"
#include "commands.h"

namespace pgtrain {

void add_bench_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command = app.add_subcommand(
      "bench", "Measure the speed of an experiment's steps beside what the machine can do");
  add_experiment_flags(*command, flags->configs, flags->overrides, true, "run.threads=1");
  command
      ->add_option("--steps", flags->steps,
                   "steps that are measured; one before them is made and left out (default 5)")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000}));
  command->add_flag("--json", flags->json, "one JSON line");
  command->footer(
      "Runs the experiment's own loop for a few policy-gradient steps, without warm-up, "
      "evaluations "
      "and checkpoints, in a temporary folder that is removed at the end. Prints medians over the "
      "steps. decode (generation) and score (reward) are worker-seconds divided by the threads; "
      "what "
      "collect takes beyond them is workers waiting. GFLOP/s count matrix products only, and "
      "the peak is the best rate of 1024-cube products on as many threads before and after.\n"
      "Examples:\n"
      "  pgtrain bench --config configs/article_gru.yaml\n"
      "  pgtrain bench --config configs/story_endings.yaml --set run.threads=1 --steps 10 --json");
  command->callback([flags, &action] { action = [flags] { return run_bench(*flags); }; });
}

}  // namespace pgtrain
