#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <map>

#include "commands.h"
#include "config/sweep.h"
#include "core/error.h"
#include "train/experiment.h"

namespace pgtrain {
namespace {

constexpr size_t kMaxShownErrors = 20;

struct Flags {
  std::vector<std::filesystem::path> configs;
  std::string directory;
  SweepOptions sweep;
};

// The arguments of `pgtrain train` for one run.
std::vector<std::string> train_arguments(const Flags& flags, const SweepRun& run) {
  std::vector<std::string> result;
  for (const auto& config : flags.configs) result.insert(result.end(), {"--config", config});
  for (const std::string& text : run.overrides) result.insert(result.end(), {"--set", text});
  const std::string directory = (std::filesystem::path(flags.directory) / run.id).string();
  result.insert(result.end(), {"--set", "run.name=" + yaml_text(run.id), "--set",
                               "run.directory=" + yaml_text(directory)});
  return result;
}

// Checks every experiment of the plan; throws one ConfigError with all problems.
void check_runs(const Flags& flags, const std::vector<SweepRun>& runs) {
  std::vector<std::string> order;                               // of different problems
  std::map<std::string, std::pair<std::string, size_t>> found;  // problem -> first run, runs
  for (const SweepRun& run : runs) try {
      load_experiment(flags.configs, run.overrides);
    } catch (const ConfigError& e) {
      auto [entry, is_new] = found.try_emplace(e.what(), run.id, 0);
      ++entry->second.second;
      if (is_new) order.emplace_back(e.what());
    }
  if (order.empty()) return;
  std::string message;
  for (size_t i = 0; i < std::min(order.size(), kMaxShownErrors); ++i) {
    const auto& [first, count] = found.at(order[i]);
    message += fmt::format("run {}{}:\n{}\n", first,
                           count > 1 ? fmt::format(" and {} more", count - 1) : "", order[i]);
  }
  if (order.size() > kMaxShownErrors)
    message += fmt::format("and {} other problems\n", order.size() - kMaxShownErrors);
  size_t bad = 0;
  for (const auto& [problem, runs_with_it] : found) bad += runs_with_it.second;
  throw ConfigError(message + fmt::format("{} of {} runs cannot start", bad, runs.size()));
}

int run_sweep(const Flags& flags) {
  const std::vector<SweepRun> runs = plan_sweep(flags.sweep);
  check_runs(flags, runs);
  std::string text;
  for (const SweepRun& run : runs)
    text += fmt::format("{}\t{}\n", run.id, fmt::join(train_arguments(flags, run), "\t"));
  print(text);
  return kExitDone;
}

std::string no_control_characters(const std::string& text) {
  const bool has_one = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  return has_one ? "control characters would break the lines of the plan" : "";
}

}  // namespace

void add_sweep_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "sweep",
      "List the runs of a hyperparameter sweep, checked, for scripts/sweep.sh or any shell");
  add_experiment_flags(*command, flags->configs, flags->sweep.fixed, true,
                       "train.steps=500 (for all runs)");
  command->get_option("--config")->check(no_control_characters);
  command->get_option("--set")->check(no_control_characters);
  command->add_option("-d,--directory", flags->directory, "folder of the runs' folders")
      ->required()
      ->check(no_control_characters);
  command
      ->add_option("--grid", flags->sweep.grid,
                   "every value of a list: KEY=1e-4,1e-3 or KEY=1..4 or KEY=[a,b],[c]; all grids "
                   "are combined")
      ->type_name("KEY=LIST")
      ->allow_extra_args(false);
  command
      ->add_option("--random", flags->sweep.random,
                   "points drawn from all --sample, each combined with the grid")
      ->type_name("N");
  command
      ->add_option("--sample", flags->sweep.sample,
                   "what a key is drawn from: KEY=log:1e-5..1e-2, KEY=uniform:0..1, "
                   "KEY=int:2..16 or KEY=choice:a,b")
      ->type_name("KEY=DRAW")
      ->allow_extra_args(false);
  command
      ->add_option("--sample-seed", flags->sweep.sample_seed,
                   "of the draws; draw k of a key stays the same whatever else is drawn")
      ->capture_default_str();
  command->add_option("--seeds", flags->sweep.seeds, "of each setting: 1..4 or 1,7,9")
      ->type_name("LIST");
  command->footer(
      "A line a run: its id, then the arguments of `pgtrain train`, a tab before each. Nothing is "
      "written, and\n"
      "nothing printed unless every combination is a valid experiment.\n"
      "Examples:\n"
      "  pgtrain sweep -c configs/quickstart.yaml -d runs/lr --grid "
      "optimizer.learning_rate=1e-3,2e-3 --seeds 1..3\n"
      "  pgtrain sweep -c configs/quickstart.yaml -d runs/random --random 8 --sample "
      "optimizer.learning_rate=log:1e-4..1e-2\n"
      "  pgtrain sweep ... | cut -f 2- | xargs -P 2 -L 1 pgtrain train       (without "
      "scripts/sweep.sh; values have no spaces)\n"
      "scripts/sweep.sh takes the same flags, trains them all, and goes on after a kill.");
  command->callback([flags, &action] { action = [flags] { return run_sweep(*flags); }; });
}

}  // namespace pgtrain
