// Runs side by side: those that differ in nothing but their seed are one row, with mean, spread and
// confidence interval.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/run_record.h"

namespace pgtrain {

// What the comparison takes from a run.
struct RunSummary {
  std::string name;
  std::map<std::string, std::string> settings;  // key -> canonical value
  std::string state;  // done; paused or failed, as the sweep noted; cut (or still going)
  int64_t step = 0;
  int64_t steps = 0;                  // of the whole run
  std::optional<double> eval_reward;  // of the last evaluation
  std::optional<double> best_eval_reward;
  std::optional<double> reward;  // training reward, mean of the last tenth of the steps made
};

// The file `exit_code` of the run's directory, which a sweep writes when the process has ended,
// tells paused (0) from failed (all but 75 and 130).
RunSummary summarize_run(const RunRecord& run);

// Of a sample: count values, their mean, standard deviation (n - 1) and the 95 % confidence
// interval of the mean by Student's t. std and interval exist for two values and more, and only
// when all are finite.
struct Estimate {
  int64_t count = 0;
  double mean = 0;
  std::optional<double> std;
  std::optional<double> half_width;  // the interval is mean +- half_width
};
Estimate estimate(const std::vector<double>& values);

struct RunGroup {
  std::vector<std::string> settings;  // values of Comparison::keys; "" = the key does not apply
  std::vector<std::string> names;     // of all its runs
  std::vector<std::string> seeds;
  int64_t runs = 0;  // that count: those that are done; when none is, all
  bool has_done = false;
  std::string state;  // "done", "2 done, 1 failed at 12/40"
  Estimate eval_reward;
  Estimate best_eval_reward;
  Estimate reward;
};

struct Comparison {
  std::vector<std::string> keys;
  std::vector<RunGroup> groups;
};

// The estimates are over the seeds: count is the number of seeds, each with the mean of its runs in
// the row.
// Groups the runs by all settings that can change a result, but the seed; with `by`, by these keys
// alone. keys are those in which groups differ (without what algorithm.preset says already), or
// `by`. Rows are in the order of their settings (numbers by value). Throws ConfigError when a key
// of `by` is not one.
Comparison compare_runs(const std::vector<RunSummary>& runs,
                        const std::vector<std::string>& by = {});

// Sorts by a column: eval_reward, best_eval_reward, reward or runs, the highest first and
// behind all of them rows without a run that is done; or a key (its last word is enough), the
// lowest first. Rows without a value come last. Throws ConfigError
// that lists the columns.
void sort_by(Comparison& comparison, const std::string& column);

// For a terminal: aligned, keys by their last word where that is enough, texts of files escaped.
std::string comparison_table(const Comparison& comparison);
// RFC 4180, all digits; missing values are empty.
std::string comparison_csv(const Comparison& comparison);
std::string comparison_json(const Comparison& comparison);

}  // namespace pgtrain
