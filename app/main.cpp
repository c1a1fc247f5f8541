// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <csignal>
#include <string>

#include "commands.h"
#include "core/error.h"
#include "core/log.h"
#include "core/version.h"
#include "report_error.h"

namespace {

constexpr const char* kExamples = R"(Examples:
  pgtrain train --config configs/quickstart.yaml                 train, or go on where a killed run stopped
  pgtrain train --config configs/quickstart.yaml --set run.seed=2 --set run.name=second
  pgtrain watch runs/quickstart                                  its curves, live, in another terminal
  pgtrain sample --checkpoint runs/quickstart --prompt "en 4217"
  pgtrain eval --checkpoint runs/quickstart
  pgtrain export --checkpoint runs/story_endings --format gguf --output model.gguf
  pgtrain score --references ref.txt --metric bleu chrf < hyp.txt
  pgtrain sweep --config configs/quickstart.yaml --directory runs/lr --grid optimizer.learning_rate=1e-3,2e-3 --seeds 1..3
  pgtrain compare runs/lr
  pgtrain config explain algorithm.baseline
  pgtrain bench --config configs/article_gru.yaml

Exit codes: 0 done; 1 internal error; 2 usage or configuration; 3 training diverged; 4 bad input file or checkpoint;
  5 disk; 75 stopped by SIGTERM after saving, run again to go on; 130 interrupted after saving.)";

// In the order of the help.
constexpr void (*kCommands[])(CLI::App&, pgtrain::Action&) = {
    pgtrain::add_init_command,      pgtrain::add_validate_command, pgtrain::add_train_command,
    pgtrain::add_watch_command,     pgtrain::add_metrics_command,  pgtrain::add_report_command,
    pgtrain::add_compare_command,   pgtrain::add_sweep_command,    pgtrain::add_sample_command,
    pgtrain::add_chat_command,      pgtrain::add_eval_command,     pgtrain::add_score_command,
    pgtrain::add_inspect_command,   pgtrain::add_convert_command,  pgtrain::add_export_command,
    pgtrain::add_config_command,    pgtrain::add_bench_command,    pgtrain::add_doctor_command,
    pgtrain::add_completion_command};

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): only a failure to report a failure gets out
int main(int argc, char** argv) {
  pgtrain::hold_standard_streams();
  CLI::App app("pgtrain: policy-gradient fine-tuning of language models towards target texts",
               "pgtrain");
  app.footer(kExamples);
  app.set_version_flag("--version", std::string("pgtrain ") + pgtrain::kVersion);
  app.require_subcommand(0, 1);  // none: see below, where a misspelt one has been named before
  std::string log_level = "info";
  app.add_option("--log-level", log_level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}));
  pgtrain::Action action;
  for (const auto add : kCommands) add(app, action);
  try {
    app.parse(argc, argv);
    if (!action) throw CLI::RequiredError("A subcommand");
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? pgtrain::kExitDone : pgtrain::kExitConfig;
  }
  try {
    pgtrain::set_up_log(log_level.c_str());
    // A write past the size limit is a DiskError, not the end of the process.
    std::signal(SIGXFSZ, SIG_IGN);
    return action();
  } catch (...) {
    return pgtrain::report_error();
  }
}
