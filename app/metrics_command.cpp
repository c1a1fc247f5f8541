#include <CLI/CLI.hpp>

#include "commands.h"
#include "core/error.h"
#include "report/metrics_output.h"

namespace pgtrain {
namespace {

struct Flags {
  std::string run;
  MetricsQuery query;
  bool csv = false;
  bool json = false;
};

int run_metrics(const Flags& flags) {
  const TextSink to_output = [](std::string_view text) { print(std::string(text)); };
  if (flags.csv)
    write_metrics_csv(flags.run, flags.query, to_output);
  else if (flags.json)
    write_metrics_json(flags.run, flags.query, to_output);
  else
    print(metrics_table(flags.run, flags.query));
  return kExitDone;
}

}  // namespace

void add_metrics_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("metrics", "Print a run's metrics: a table, CSV or JSON");
  command->add_option("run", flags->run, "directory of the run")->required();
  command->add_option("--phase", flags->query.phase, "only the rows of one phase")
      ->check(CLI::IsMember({"warmup", "train", "eval"}));
  command
      ->add_option(
          "--columns", flags->query.columns,
          "names as in metrics.jsonl, separated by commas; not given: the main ones, in CSV "
          "and JSON all")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--last", flags->query.last, "only so many rows from the end")
      ->check(CLI::PositiveNumber);
  CLI::Option* csv =
      command->add_flag("--csv", flags->csv, "every row, for pandas or a spreadsheet");
  command->add_flag("--json", flags->json, "every row, a JSON object a line")->excludes(csv);
  command->footer(
      "The table shows about 20 steps; --last shows the last ones, every one of them.\n"
      "Examples:\n"
      "  pgtrain metrics runs/quickstart\n"
      "  pgtrain metrics runs/quickstart --columns reward,kl,entropy --last 10\n"
      "  pgtrain metrics runs/quickstart --csv --phase train > train.csv\n"
      "  pgtrain metrics runs/quickstart --json --phase eval --last 1");
  command->callback([flags, &action] { action = [flags] { return run_metrics(*flags); }; });
}

}  // namespace pgtrain
