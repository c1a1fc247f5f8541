#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <thread>

#include "commands.h"
#include "core/error.h"
#include "core/signals.h"
#include "core/terminal.h"
#include "report/watch_screen.h"

namespace pgtrain {
namespace {

struct Flags {
  std::string run;
  std::vector<std::string> columns;
  bool once = false;
  double interval = 1;
};

// The terminal's second screen for its lifetime, on which lines that are too long are cut; what
// stood on the first one comes back.
class Screen {
 public:
  Screen() { print("\x1b[?1049h\x1b[?7l\x1b[?25l"); }
  ~Screen() {
    try {
      print("\x1b[?25h\x1b[?7h\x1b[?1049l");
    } catch (const DiskError&) {  // NOLINT(bugprone-empty-catch): the terminal is gone
    }
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  static void show(const std::vector<std::string>& lines, int rows) {
    // A line is wiped before it is written: after it the cursor may stand on its last character.
    std::string text = "\x1b[H";
    for (size_t i = 0; i < lines.size(); ++i)
      text += std::string(i > 0 ? "\r\n" : "") + "\x1b[K" + lines[i];
    if (static_cast<int>(lines.size()) < rows) text += "\r\n\x1b[J";
    print(text);
  }
};

// Waits, but not longer than until a signal comes or the size changes.
void wait(double seconds, const TerminalSize& size) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!StopFlag::raised() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const TerminalSize now = terminal_size(STDOUT_FILENO);
    if (now.columns != size.columns || now.rows != size.rows) return;
  }
}

// Until the run is done or a signal comes.
void watch(RunFollower& run, const Flags& flags) {
  const bool colour = wants_colour(STDOUT_FILENO);
  const Screen screen;
  TerminalSize shown{0, 0};
  while (!StopFlag::raised()) {
    const TerminalSize size = terminal_size(STDOUT_FILENO);
    const bool is_resized = size.columns != shown.columns || size.rows != shown.rows;
    if (run.poll() || is_resized)
      Screen::show(watch_screen(run, flags.columns, size, colour), size.rows);
    shown = size;
    if (run.is_done()) return;
    wait(flags.interval, size);
  }
}

int run_watch(const Flags& flags) {
  RunFollower run(flags.run);
  const bool is_live = !flags.once && is_terminal(STDOUT_FILENO);
  if (is_live) {
    StopFlag::install();
    watch(run, flags);
  } else {
    run.poll();
  }
  if (run.config() == nullptr && !is_live)
    throw DataError(flags.run + ": no run has started there");
  std::string text;
  for (const std::string& line :
       watch_screen(run, flags.columns, terminal_size(STDOUT_FILENO), wants_colour(STDOUT_FILENO)))
    text += line + '\n';
  print(text);
  return StopFlag::exit_code();
}

}  // namespace

void add_watch_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app.add_subcommand("watch", "Show a run's curves in the terminal while it goes on");
  command->add_option("run", flags->run, "directory of the run, which may not have started yet")
      ->required();
  command
      ->add_option("--columns", flags->columns,
                   "names as in metrics.jsonl, separated by commas; not given: the main ones that "
                   "there is room for")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_flag("--once", flags->once,
                    "print the curves as they are and end; always so when standard output is no "
                    "terminal");
  command->add_option("--interval", flags->interval, "seconds between two looks at the files")
      ->check(CLI::Range(0.05, 3600.0))
      ->capture_default_str();
  command->footer(
      "Ends with the run; Ctrl-C ends it before and leaves the run alone.\n"
      "Examples:\n"
      "  pgtrain watch runs/quickstart\n"
      "  pgtrain watch runs/quickstart --columns reward,eval_reward,kl\n"
      "  pgtrain watch runs/quickstart --once --columns grad_norm");
  command->callback([flags, &action] { action = [flags] { return run_watch(*flags); }; });
}

}  // namespace pgtrain
