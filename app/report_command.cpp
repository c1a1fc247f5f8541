#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include "commands.h"
#include "core/error.h"
#include "core/files.h"
#include "report/report.h"

namespace pgtrain {
namespace {

struct Flags {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path output;
  std::string title;
};

// The output replaces what is there, so a device or a folder must not be.
void check_output(const std::filesystem::path& output) {
  std::error_code ignored;
  if (!output.empty() && std::filesystem::exists(output, ignored) &&
      !std::filesystem::is_regular_file(output, ignored))
    throw ConfigError(fmt::format("--output {}: is not a plain file", output.string()));
}

int run_report(const Flags& flags) {
  check_output(flags.output);
  ExitCode code = kExitDone;
  const std::string page = report_page(flags.runs, flags.title, [&](const Error& why) {
    spdlog::warn("left out: {}", why.what());
    code = kExitData;
  });
  if (flags.output.empty())
    print(page);
  else
    write_file_atomic(flags.output, page);
  return code;
}

}  // namespace

void add_report_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "report", "Write one HTML page about runs: curves, completions, configuration, hashes");
  command
      ->add_option("runs", flags->runs,
                   "run directories, finished or not; a folder of runs stands for all in it")
      ->required();
  command->add_option("-o,--output", flags->output,
                      "file for the page, written whole or not at all; default: standard output");
  command->add_option("--title", flags->title, "heading of the page");
  command->footer(
      "The page is one file: it loads nothing, and can be read without scripts, printed and sent.\n"
      "Of several runs one that cannot be read is left out, with a warning and exit code 4.\n"
      "Examples:\n"
      "  pgtrain report runs/quickstart > report.html\n"
      "  pgtrain report runs/first runs/second --output both.html --title \"Two seeds\"\n"
      "  pgtrain report runs --output all.html");
  command->callback([flags, &action] { action = [flags] { return run_report(*flags); }; });
}

}  // namespace pgtrain
