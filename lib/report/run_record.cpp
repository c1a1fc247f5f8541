#include "report/run_record.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "metrics/row_reader.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = "config.yaml";

bool is_run(const fs::path& directory) {
  std::error_code ignored;
  return fs::is_regular_file(directory / kConfig, ignored);
}

// The runs that a folder holds, in byte order of their names.
std::vector<fs::path> runs_inside(const fs::path& folder) {
  std::vector<fs::path> inside;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (is_run(entry.path())) inside.push_back(entry.path());
  if (error) throw DataError(fmt::format("{}: {}", folder.string(), error.message()));
  if (inside.empty())
    throw DataError(
        fmt::format("{}: neither a run nor a folder of runs: no {} in it or one level below",
                    folder.string(), kConfig));
  std::sort(inside.begin(), inside.end());
  return inside;
}

}  // namespace

bool is_complete(const ExperimentConfig& config, const Curves& curves) {
  const Curve& rewards = curve_of(curves, "train", "reward");
  const Curve& tokens = curve_of(curves, "train", "num_tokens");
  const int64_t step = rewards.empty() ? 0 : rewards.steps.back();
  const auto max_tokens = static_cast<double>(config.train.max_tokens);
  const bool has_tokens = max_tokens > 0 && !tokens.empty() && tokens.values.back() >= max_tokens;
  if (step < config.train.steps && !has_tokens) return false;
  const bool is_evaluated = !config.data.eval.empty() && config.eval.every > 0;
  const Curve& evaluations = curve_of(curves, "eval", "eval_reward");
  return !is_evaluated || (!evaluations.empty() && evaluations.steps.back() == step);
}

void add_row(Curves& curves, const Row& row) {
  const RowValue* phase = row.find("phase");
  const RowValue* step = row.find("step");
  if (phase == nullptr || step == nullptr) return;
  const auto* phase_name = std::get_if<std::string>(phase);
  const auto* step_number = std::get_if<int64_t>(step);
  if (phase_name == nullptr || step_number == nullptr) return;
  auto& columns = curves[*phase_name];
  for (const auto& [name, value] : row.values()) {
    if (name == "step" || std::holds_alternative<std::string>(value)) continue;
    Curve& curve = columns[name];
    curve.steps.push_back(*step_number);
    curve.values.push_back(row.number(name));
  }
}

const Curve& curve_of(const Curves& curves, const std::string& phase, const std::string& column) {
  static const Curve kNone;
  const auto columns = curves.find(phase);
  if (columns == curves.end()) return kNone;
  const auto curve = columns->second.find(column);
  return curve == columns->second.end() ? kNone : curve->second;
}

ExperimentConfig read_run_config(const fs::path& directory) {
  try {
    return read_resolved_experiment(directory / kConfig);
  } catch (const ConfigError& e) {
    throw DataError(e.what());
  }
}

RunRecord read_run(const fs::path& directory) {
  if (!is_run(directory))
    throw DataError(fmt::format("{}: is not the directory of a run: it has no {}",
                                directory.string(), kConfig));
  RunRecord run;
  run.directory = directory;
  run.config = read_run_config(directory);
  run.settings = settings_of(run.config);
  read_rows(directory / "metrics.jsonl", 0, [&](const Row& row) { add_row(run.curves, row); });
  const Curve& rewards = run.curve("train", "reward");
  if (!rewards.empty()) run.step = rewards.steps.back();
  run.is_finished = is_complete(run.config, run.curves);
  return run;
}

std::vector<fs::path> find_runs(const std::vector<fs::path>& paths) {
  std::vector<fs::path> runs;
  std::set<fs::path> seen;
  for (const fs::path& path : paths)
    for (const fs::path& run : is_run(path) ? std::vector<fs::path>{path} : runs_inside(path))
      if (seen.insert(fs::weakly_canonical(run)).second) runs.push_back(run);
  return runs;
}

}  // namespace pgtrain
