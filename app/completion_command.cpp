#include <CLI/CLI.hpp>

#include "commands.h"
#include "core/error.h"
#include "manual_page.h"
#include "shell_completion.h"
#include "train/experiment.h"

namespace pgtrain {
namespace {

int run_completion(const CLI::App& app, const std::string& shell) {
  const auto write = shell == "bash"  ? bash_completion
                     : shell == "zsh" ? zsh_completion
                                      : fish_completion;
  print(write(help_of(app), all_settings()));
  return kExitDone;
}

int run_manual(const CLI::App& app) {
  Section root;
  ExperimentConfig config;
  describe(root, config);
  print(manual_page(help_of(app), explain(root, "")));
  return kExitDone;
}

}  // namespace

void add_completion_command(CLI::App& app, Action& action) {
  auto shell = std::make_shared<std::string>();
  CLI::App* completion =
      app.add_subcommand("completion", "Print a completion script for bash, zsh or fish");
  completion->add_option("shell", *shell, "whose script")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->required();
  completion->footer(
      "Examples:\n"
      "  source <(pgtrain completion bash)                                       this bash\n"
      "  pgtrain completion zsh > \"${fpath[1]}/_pgtrain\"                         every zsh from "
      "now on\n"
      "  pgtrain completion fish > ~/.config/fish/completions/pgtrain.fish       every fish");
  completion->callback(
      [&app, shell, &action] { action = [&app, shell] { return run_completion(app, *shell); }; });
  CLI::App* manual = app.add_subcommand("manual", "Print the manual page");
  manual->footer("Example:\n  pgtrain manual | man -l -");
  manual->callback([&app, &action] { action = [&app] { return run_manual(app); }; });
}

}  // namespace pgtrain
