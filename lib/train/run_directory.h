// The folder of a run: its lock, its configuration, its row files.
//
// - config.yaml: the resolved experiment.
// - metrics.jsonl: a row for each warm-up step, step and evaluation. No wall-clock values:
//   bit-identical after any resume.
// - completions.jsonl: sampled completions with target and score parts; likewise.
// - timing.jsonl: seconds and tokens per second of each step; wall-clock, so not part of the exact
//   record.
// - events.out.tfevents.SECONDS.pgtrain: the rows, histograms and texts for TensorBoard
// (event_log.h);
//   a view, not part of the exact record.
// - train.log: log messages.
// - checkpoints/: see checkpoint/checkpoint_store.h.
#pragma once

#include <filesystem>
#include <memory>

#include "core/files.h"
#include "train/experiment.h"

namespace pgtrain {

// Throws ConfigError when the experiment recorded in `file` (config.yaml or a checkpoint's
// experiment.yaml) differs in a key that a run may not change half-way.
void check_same_run(const std::filesystem::path& file, const ExperimentConfig& config);

class RunDirectory {
 public:
  // Locks the folder for this process, creating it when it is missing. Throws ConfigError when
  // another process holds it or when it belongs to a run whose configuration differs in a key that
  // matters (nothing is changed then), DiskError when it cannot be written.
  explicit RunDirectory(const ExperimentConfig& config);

  // Writes the resolved configuration to config.yaml, when the run is known to start or resume.
  // Throws DiskError.
  void record(const ExperimentConfig& config) const;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace pgtrain
