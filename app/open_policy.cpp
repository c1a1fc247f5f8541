#include "open_policy.h"

#include <fstream>
#include <string>

#include "checkpoint/checkpoint_store.h"
#include "core/error.h"

namespace pgtrain {

namespace fs = std::filesystem;

namespace {

bool is_model(const fs::path& folder) {
  if (fs::exists(folder / "config.json") || fs::exists(folder / "adapter_config.json")) return true;
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error);
       !error && entry != fs::directory_iterator(); entry.increment(error))
    if (entry->path().extension() == ".gguf") return true;
  return false;
}

bool is_gguf(const fs::path& path) {
  std::string magic(4, ' ');
  return fs::is_regular_file(path) && std::ifstream(path, std::ios::binary).read(magic.data(), 4) &&
         magic == "GGUF";
}

}  // namespace

fs::path find_checkpoint(const CheckpointFlags& flags) {
  const fs::path path = flags.path;
  if (is_gguf(path)) return path;
  // A link such as checkpoints/latest stands for the checkpoint it names.
  if (is_model(path)) return fs::is_symlink(path) ? fs::canonical(path) : path;
  if (!fs::is_directory(path / "checkpoints"))
    throw DataError(
        fmt::format("{}: neither a checkpoint or model (no config.json, adapter_config.json or "
                    ".gguf file) nor a run (no checkpoints folder)",
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
