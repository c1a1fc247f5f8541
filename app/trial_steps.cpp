#include "trial_steps.h"

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "core/error.h"

namespace pgtrain {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() {
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  if (error)
    throw DiskError(fmt::format("no folder for temporary files: {}; set TMPDIR", error.message()));
  path_ = (parent / "pgtrain-trial-XXXXXX").string();
  if (mkdtemp(path_.data()) == nullptr)
    throw DiskError(fmt::format("{}: cannot be made: {}", path_, std::strerror(errno)));
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

ExperimentConfig only_steps(ExperimentConfig config, const TemporaryFolder& folder, int64_t steps) {
  config.run.directory = folder.path() + "/run";
  config.warmup.steps = 0;
  config.train.steps = std::max(config.train.steps, steps);  // the learning rate may depend on it
  config.eval.every = 0;
  config.log.completions_per_step = 0;
  config.log.tensorboard = false;
  return config;
}

}  // namespace pgtrain
