// What a run writes down: rows of metrics, sampled completions, times, and the progress line.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/run_state.h"
#include "metrics/progress.h"
#include "metrics/sink.h"
#include "train/evaluation.h"
#include "train/event_log.h"
#include "train/run_directory.h"

namespace pgtrain {

class RunLog {
 public:
  // Opens the files of the directory and cuts them back to what the state counts on.
  RunLog(const RunDirectory& directory, const ExperimentConfig& config, const RunState& state,
         std::vector<std::string> part_names);

  void write_metrics(const Row& row);
  void write_timing(const Row& row);
  // Some completions, spread over the whole rollout. advantages [batch, time] or null.
  void write_completions(const std::string& phase, int64_t step, const Rollout& rollout,
                         const Dataset& data, const at::Tensor* advantages);
  ProgressLine& progress() { return progress_; }
  const std::vector<std::string>& part_names() const { return part_names_; }

  // Brings the rows to the disk and their lengths into the state.
  void sync(RunState& state);

 private:
  std::vector<std::string> part_names_;
  int64_t completions_per_step_;
  JsonlSink metrics_;
  JsonlSink completions_;
  JsonlSink timing_;
  std::optional<EventLog> events_;  // with log.tensorboard
  ProgressLine progress_;
};

}  // namespace pgtrain
