#include <CLI/CLI.hpp>

#include "actions.h"
#include "checkpoint_flags.h"
#include "commands.h"

namespace pgtrain {

void add_eval_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App* command = app.add_subcommand("eval", "Score greedy completions of held-out records");
  add_checkpoint_flags(*command, flags->source);
  command
      ->add_option("-s,--set", flags->overrides,
                   "override a key of the checkpoint's experiment, such as data.eval or reward")
      ->allow_extra_args(false);
  command->add_option("--output", flags->output,
                      "write every record's completion, target and score parts as JSON lines");
  command->add_flag("--allow-command", flags->allow_command,
                    "run the program of a command reward that the experiment names");
  command->add_flag("--json", flags->json, "one JSON line instead of a table");
  command->footer(
      "Examples:\n"
      "  pgtrain eval --checkpoint runs/quickstart\n"
      "  pgtrain eval --checkpoint runs/quickstart --set data.eval=other.jsonl --set "
      "'reward=[{metric: exact_match}]' --json");
  command->callback([flags, &action] { action = [flags] { return run_eval(*flags); }; });
}

}  // namespace pgtrain
