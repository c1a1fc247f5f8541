#include "train/run_log.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace pgtrain {
namespace {

// Times are not part of the exact record: they are kept whatever a checkpoint says.
uint64_t present_size(const std::filesystem::path& file) {
  std::error_code missing;
  const auto size = std::filesystem::file_size(file, missing);
  return missing ? 0 : size;
}

}  // namespace

RunLog::RunLog(const RunDirectory& directory, const ExperimentConfig& config, const RunState& state,
               std::vector<std::string> part_names)
    : part_names_(std::move(part_names)),
      completions_per_step_(config.log.completions_per_step),
      metrics_(directory / "metrics.jsonl", state.metrics_length),
      completions_(directory / "completions.jsonl", state.completions_length),
      timing_(directory / "timing.jsonl", present_size(directory / "timing.jsonl")) {
  if (config.log.tensorboard) events_.emplace(directory, config, state);
}

void RunLog::write_metrics(const Row& row) {
  metrics_.write(row);
  if (events_) events_->write_metrics(row);
}

void RunLog::write_timing(const Row& row) {
  timing_.write(row);
  if (events_) events_->write_timing(row);
}

void RunLog::write_completions(const std::string& phase, int64_t step, const Rollout& rollout,
                               const Dataset& data, const at::Tensor* advantages) {
  const int64_t count = std::min(completions_per_step_, rollout.size());
  for (int64_t i = 0; i < count; ++i) {
    const int64_t index = i * rollout.size() / count;
    Row row = completion_row(phase, step, rollout, index, data, part_names_);
    const int64_t length = rollout.completions[index].sequence.completion_length();
    if (advantages != nullptr && length > 0)
      row.set("advantage", advantages->select(0, index).narrow(0, 0, length).mean().item<double>());
    completions_.write(row);
  }
  if (events_) events_->write_completions(phase, step, rollout, data, advantages);
}

void RunLog::sync(RunState& state) {
  state.metrics_length = metrics_.sync();
  state.completions_length = completions_.sync();
  if (events_) events_->sync();
}

}  // namespace pgtrain
