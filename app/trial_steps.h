// A few steps of an experiment that leave nothing behind: for measuring.
#pragma once

#include <cstdint>
#include <string>

#include "train/experiment.h"

namespace pgtrain {

// A new folder in the system's place for temporary files; removed with everything in it.
class TemporaryFolder {
 public:
  // Throws DiskError.
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The experiment with at least so many steps and without what is not measured (warm-up,
// evaluations, completions written down), in the folder.
ExperimentConfig only_steps(ExperimentConfig config, const TemporaryFolder& folder, int64_t steps);

}  // namespace pgtrain
