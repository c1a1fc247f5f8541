// What a run directory tells of a run, for those who look at it: comparison, report, plots.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "metrics/row.h"
#include "train/experiment.h"

namespace pgtrain {

// One column of the metrics over the steps of a phase, in the order of the file. A value that was
// not finite is NaN; a step whose row lacks the column is not here.
struct Curve {
  std::vector<int64_t> steps;
  std::vector<double> values;

  bool empty() const { return steps.empty(); }
};

// Curves by column, for each phase: "warmup", "train", "eval".
using Curves = std::map<std::string, std::map<std::string, Curve>>;

// Adds the numbers of a row of metrics.jsonl. Rows without phase or step are ignored.
void add_row(Curves& curves, const Row& row);

// The curve, or an empty one.
const Curve& curve_of(const Curves& curves, const std::string& phase, const std::string& column);

// All of train.steps or train.max_tokens are done, and the evaluation after the last step, if there
// is one.
bool is_complete(const ExperimentConfig& config, const Curves& curves);

struct RunRecord {
  std::filesystem::path directory;
  ExperimentConfig config;
  std::vector<std::pair<std::string, std::string>> settings;  // of config: see settings_of
  Curves curves;
  int64_t step = 0;          // last policy-gradient step in metrics.jsonl
  bool is_finished = false;  // is_complete

  const Curve& curve(const std::string& phase, const std::string& column) const {
    return curve_of(curves, phase, column);
  }
};

// The experiment of a run directory. Throws DataError when this version cannot read its record.
ExperimentConfig read_run_config(const std::filesystem::path& directory);

// Reads config.yaml and metrics.jsonl of a run directory; the run may still be going, or have been
// killed. Throws DataError when the folder holds no run, or one that this version cannot read.
RunRecord read_run(const std::filesystem::path& directory);

// The directory of each run in the order given, each once; a folder that is no run itself stands
// for those runs that lie in it, in byte order of their names. Throws DataError for a folder
// without any.
std::vector<std::filesystem::path> find_runs(const std::vector<std::filesystem::path>& paths);

}  // namespace pgtrain
