// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <new>
#include <string>

#include "commands.h"
#include "core/error.h"
#include "core/log.h"
#include "core/version.h"

namespace {

constexpr const char* kExamples = R"(Examples:
  pgtrain train --config configs/quickstart.yaml                 train, or go on where a killed run stopped
  pgtrain train --config configs/quickstart.yaml --set run.seed=2 --set run.name=second
  pgtrain sample --checkpoint runs/quickstart --prompt "en 4217"
  pgtrain eval --checkpoint runs/quickstart
  pgtrain config explain algorithm.baseline

Exit codes: 0 done; 1 internal error; 2 usage or configuration; 3 training diverged; 4 bad input file or checkpoint;
  5 disk; 75 stopped by SIGTERM after saving, run again to go on; 130 interrupted after saving.)";

constexpr const char* kOutOfMemory =
    "out of memory: use a smaller model, rollout.shard_size or train.micro_batch";

int report(const std::string& message, int code) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return code;
}

// LibTorch's errors end with a stack trace, and it has no type of its own for a lack of memory.
int report_internal(const std::exception& e) {
  const std::string message = e.what();
  const bool no_memory = message.find("can't allocate memory") != std::string::npos;
  return report(no_memory ? kOutOfMemory : message.substr(0, message.find("\nframe #")),
                pgtrain::kExitInternal);
}

}  // namespace

int main(int argc, char** argv) {
  pgtrain::hold_standard_streams();
  CLI::App app("pgtrain: policy-gradient fine-tuning of language models towards target texts",
               "pgtrain");
  app.footer(kExamples);
  app.set_version_flag("--version", std::string("pgtrain ") + pgtrain::kVersion);
  app.require_subcommand(0,
                         1);  // none is reported below: CLI11 itself would not name a misspelt one
  std::string log_level = "info";
  app.add_option("--log-level", log_level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}));
  pgtrain::Action action;
  pgtrain::add_train_command(app, action);
  pgtrain::add_sample_command(app, action);
  pgtrain::add_eval_command(app, action);
  pgtrain::add_config_command(app, action);
  pgtrain::add_doctor_command(app, action);
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
  } catch (const pgtrain::Error& e) {
    return report(e.what(), e.exit_code());
  } catch (const std::bad_alloc&) {
    return report(kOutOfMemory, pgtrain::kExitInternal);
  } catch (const std::exception& e) {
    return report_internal(e);
  }
}
