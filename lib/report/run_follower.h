// A run that may be going on, read as it grows.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>

#include "report/run_record.h"

namespace pgtrain {

class RunFollower {
 public:
  explicit RunFollower(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // Reads what has been written since; true when there was something. A run that went back to a
  // checkpoint is read anew. Throws as read_run, but waits for a folder that is not there yet.
  bool poll();

  const std::filesystem::path& directory() const { return directory_; }
  // Null until the run has started.
  const ExperimentConfig* config() const { return config_ ? &*config_ : nullptr; }
  const Curves& curves() const { return curves_; }
  const Curve& curve(const std::string& phase, const std::string& column) const {
    return curve_of(curves_, phase, column);
  }
  // The last row is of the warm-up.
  bool is_warming_up() const;
  int64_t step() const;  // the last one, of the warm-up while that lasts
  // All steps are done, and the evaluation after the last one, if there is one.
  bool is_done() const;

  // Means over the last 50 steps of timing.jsonl; nullopt before the first.
  std::optional<double> seconds_per_step() const { return mean(step_times_); }
  std::optional<double> tokens_per_second() const { return mean(token_rates_); }

 private:
  static std::optional<double> mean(const std::deque<double>& values);
  bool read_metrics();
  bool read_timing();

  std::filesystem::path directory_;
  std::optional<ExperimentConfig> config_;
  Curves curves_;
  uint64_t metrics_offset_ = 0;
  uint64_t timing_offset_ = 0;
  std::deque<double> step_times_;
  std::deque<double> token_rates_;
};

}  // namespace pgtrain
