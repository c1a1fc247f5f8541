#include "train/run_directory.h"

#include "core/error.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

ExperimentConfig read_recorded(const fs::path& file) {
  try {
    return read_resolved_experiment(file);
  } catch (const ConfigError& e) {
    throw ConfigError(fmt::format("{}; use another run.directory", e.what()));
  }
}

// Rows without a configuration are not ours to cut back.
void refuse_foreign_rows(const fs::path& folder) {
  for (const char* name : {"metrics.jsonl", "completions.jsonl"}) {
    std::error_code missing;
    const auto size = fs::file_size(folder / name, missing);
    if (!missing && size > 0)
      throw ConfigError(fmt::format(
          "{}: has rows, but the folder has no config.yaml, so they are of another origin; use an "
          "empty run.directory",
          (folder / name).string()));
  }
}

}  // namespace

void check_same_run(const fs::path& file, const ExperimentConfig& config) {
  const auto conflicts = conflicting_keys(read_recorded(file), config);
  if (conflicts.empty()) return;
  std::string message = fmt::format(
      "{}: error: this folder belongs to a run with another configuration:", file.string());
  for (const std::string& conflict : conflicts) message += "\n  " + conflict;
  throw ConfigError(
      message +
      "\nset run.name or run.directory to start another run, or go back to these values to resume");
}

RunDirectory::RunDirectory(const ExperimentConfig& config) : path_(config.run.directory) {
  const fs::path file = path_ / "config.yaml";
  std::error_code ignored;
  const bool known = fs::exists(file, ignored);
  // Before anything is written: a conflict must leave the folder as it was.
  if (known)
    check_same_run(file, config);
  else
    refuse_foreign_rows(path_);
  make_directories(path_);
  lock_ = std::make_unique<FileLock>(path_ / "lock");
}

void RunDirectory::record(const ExperimentConfig& config) const {
  const fs::path file = path_ / "config.yaml";
  const std::string text = dump_experiment(config);
  if (!fs::exists(file) || read_file(file) != text) write_file_atomic(file, text);
}

}  // namespace pgtrain
