// One function a subcommand: adds its flags to the application and sets `action` to what runs when
// it is chosen.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace pgtrain {

// Returns the exit code of the process.
using Action = std::function<int()>;

// --config and --set: the files and overrides of load_experiment. example: "a.b=c" for the help, or
// "".
void add_experiment_flags(CLI::App& command, std::vector<std::filesystem::path>& configs,
                          std::vector<std::string>& overrides, bool required,
                          const std::string& example = "");

// JSON Schema of experiment files.
std::string schema_text();

void add_train_command(CLI::App& app, Action& action);
void add_sample_command(CLI::App& app, Action& action);
void add_chat_command(CLI::App& app, Action& action);
void add_eval_command(CLI::App& app, Action& action);
void add_export_command(CLI::App& app, Action& action);
void add_convert_command(CLI::App& app, Action& action);
void add_inspect_command(CLI::App& app, Action& action);
void add_score_command(CLI::App& app, Action& action);
void add_init_command(CLI::App& app, Action& action);
void add_validate_command(CLI::App& app, Action& action);
void add_config_command(CLI::App& app, Action& action);
void add_bench_command(CLI::App& app, Action& action);
void add_compare_command(CLI::App& app, Action& action);
void add_sweep_command(CLI::App& app, Action& action);
void add_doctor_command(CLI::App& app, Action& action);
void add_report_command(CLI::App& app, Action& action);
void add_metrics_command(CLI::App& app, Action& action);
void add_watch_command(CLI::App& app, Action& action);
// completion and manual; after all other commands, which they are about.
void add_completion_command(CLI::App& app, Action& action);

// Opens /dev/null for each closed standard stream: its number would go to the next file opened, and
// messages into that file.
void hold_standard_streams();

// The text on standard output, whole. Throws DiskError when it cannot be written (closed pipe, full
// disk).
void print(const std::string& text);

}  // namespace pgtrain
