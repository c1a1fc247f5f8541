#include "open_policy.h"

#include "checkpoint/checkpoint_store.h"
#include "core/error.h"

namespace pgtrain {

namespace fs = std::filesystem;

fs::path find_checkpoint(const CheckpointFlags& flags) {
  const fs::path path = flags.path;
  // A link such as checkpoints/latest stands for the checkpoint it names.
  if (fs::exists(path / "config.json")) return fs::is_symlink(path) ? fs::canonical(path) : path;
  if (!fs::is_directory(path / "checkpoints"))
    throw DataError(
        fmt::format("{}: neither a checkpoint (no config.json) nor a run (no checkpoints folder)",
                    path.string()));
  for (const std::string& link : {flags.which, std::string("latest")}) {
    std::error_code error;
    fs::path target = fs::canonical(path / "checkpoints" / link, error);
    if (!error) return target;
  }
  throw DataError(fmt::format("{}: the run has no checkpoint yet", path.string()));
}

std::unique_ptr<Policy> open_policy(const fs::path& checkpoint, bool trained) {
  if (fs::exists(checkpoint / "manifest.json")) CheckpointStore::verify(checkpoint);
  auto policy = Policy::open(checkpoint);
  const fs::path average = checkpoint / "average.safetensors";
  if (trained || !fs::exists(average)) return policy;
  auto averaged = policy->copy();
  averaged->read_parameters(average);
  return averaged;
}

}  // namespace pgtrain
