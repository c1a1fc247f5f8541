#include "report/run_record.h"

#include <algorithm>

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

}  // namespace

bool is_at_end(const TrainOptions& limits, int64_t step, const Curve& tokens) {
  return step >= limits.steps || (limits.max_tokens > 0 && !tokens.empty() &&
                                  tokens.values.back() >= static_cast<double>(limits.max_tokens));
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

RunRecord read_run(const fs::path& directory) {
  if (!is_run(directory))
    throw DataError(fmt::format("{}: is not the directory of a run: it has no {}",
                                directory.string(), kConfig));
  RunRecord run;
  run.directory = directory;
  run.config = read_resolved_experiment(directory / kConfig);
  run.settings = settings_of(run.config);
  read_rows(directory / "metrics.jsonl", 0, [&](const Row& row) { add_row(run.curves, row); });
  const Curve& rewards = run.curve("train", "reward");
  if (!rewards.empty()) run.step = rewards.steps.back();
  run.is_finished = is_at_end(run.config.train, run.step, run.curve("train", "num_tokens"));
  return run;
}

std::vector<fs::path> find_runs(const std::vector<fs::path>& paths) {
  std::vector<fs::path> runs;
  for (const fs::path& path : paths) {
    if (is_run(path)) {
      runs.push_back(path);
      continue;
    }
    std::vector<fs::path> inside;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(path, error))
      if (is_run(entry.path())) inside.push_back(entry.path());
    if (error) throw DataError(fmt::format("{}: {}", path.string(), error.message()));
    if (inside.empty())
      throw DataError(
          fmt::format("{}: neither a run nor a folder of runs: no {} in it or one level below",
                      path.string(), kConfig));
    std::sort(inside.begin(), inside.end());
    runs.insert(runs.end(), inside.begin(), inside.end());
  }
  return runs;
}

}  // namespace pgtrain
