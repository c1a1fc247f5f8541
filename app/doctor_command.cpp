#include <CLI/CLI.hpp>

#include "actions.h"
#include "commands.h"

namespace pgtrain {

void add_doctor_command(CLI::App& app, Action& action) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command =
      app.add_subcommand("doctor", "Check this machine: versions, processor, matrix-product speed");
  command->add_flag("--json", *json, "one JSON line");
  command->footer(
      "Exit code 0: no problem; 1: the matrix-product library is a slow one, the output says what "
      "to install.");
  command->callback([json, &action] { action = [json] { return run_doctor(*json); }; });
}

}  // namespace pgtrain
