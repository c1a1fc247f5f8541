#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "commands.h"
#include "core/error.h"
#include "report/compare.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

struct Flags {
  std::vector<std::filesystem::path> paths;
  std::vector<std::string> by;
  std::string sort = "eval_reward";
  bool json = false;
  bool csv = false;
};

// The same seed and settings give the same bits: they are one observation.
void warn_of_repeated_seeds(const Comparison& comparison) {
  for (const RunGroup& group : comparison.groups) {
    const auto repeated = std::adjacent_find(group.seeds.begin(), group.seeds.end());
    if (repeated != group.seeds.end())
      spdlog::warn(
          "the runs {} are one row, but seed {} occurs more than once: its runs count as one",
          escape_text(fmt::format("{}", fmt::join(group.names, ", "))), escape_text(*repeated));
  }
}

int run_compare(const Flags& flags) {
  ExitCode code = kExitDone;
  std::vector<RunSummary> runs;
  for (const auto& path : find_runs(flags.paths)) try {
      runs.push_back(summarize_run(read_run(path)));
    } catch (const Error& e) {
      spdlog::warn("left out: {}", e.what());
      code = kExitData;
    }
  Comparison comparison = compare_runs(runs, flags.by);
  sort_by(comparison, flags.sort);
  if (flags.by.empty()) warn_of_repeated_seeds(comparison);
  if (flags.json)
    print(comparison_json(comparison));
  else
    print(flags.csv ? comparison_csv(comparison) : comparison_table(comparison));
  return code;
}

}  // namespace

void add_compare_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "compare", "Compare runs: mean, spread and confidence interval over their seeds");
  command->add_option("runs", flags->paths, "run folders, or folders of runs such as a sweep's")
      ->required();
  command
      ->add_option("--sort", flags->sort,
                   "eval_reward, best_eval_reward, reward or runs, the highest first; or a key")
      ->type_name("COLUMN")
      ->capture_default_str();
  command
      ->add_option("--by", flags->by,
                   "group by this key alone, over all others; several may be given")
      ->type_name("KEY")
      ->allow_extra_args(false);
  CLI::Option* json = command->add_flag("--json", flags->json, "JSON with all digits");
  command->add_flag("--csv", flags->csv, "CSV with all digits")->excludes(json);
  command->footer(
      "Runs that differ in their seed alone (or in run.name, run.directory, run.threads, "
      "checkpoint.*, log.*) are one row.\n"
      "eval_reward: the last evaluation; best_eval_reward: the best of each run; reward: training "
      "reward, mean of the last\n"
      "tenth of the steps. Each is the mean over the runs and, from two on, its 95 % confidence "
      "interval by Student's t;\n"
      "sd is the standard deviation (n - 1) of eval_reward. Only runs that are done count, unless "
      "none of the row is.\n"
      "Examples:\n"
      "  pgtrain compare runs/sweep\n"
      "  pgtrain compare runs/a runs/b --sort best_eval_reward\n"
      "  pgtrain compare runs/sweep --by optimizer.learning_rate --csv > lr.csv");
  command->callback([flags, &action] { action = [flags] { return run_compare(*flags); }; });
}

}  // namespace pgtrain
