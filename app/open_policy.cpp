#include "open_policy.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "checkpoint/checkpoint_store.h"
#include "commands.h"
#include "core/error.h"
#include "tensor/blas.h"

namespace pgtrain {

namespace fs = std::filesystem;

void add_checkpoint_flags(CLI::App& command, CheckpointFlags& flags) {
  command.add_option("--checkpoint", flags.path, "a run folder or one of its checkpoints")
      ->required();
  command.add_option("--which", flags.which, "for a run folder: the best or the latest checkpoint")
      ->check(CLI::IsMember({"best", "latest"}))
      ->capture_default_str();
  command.add_flag("--trained", flags.trained,
                   "the trained weights instead of their moving average; of runs with "
                   "optimizer.ema_decay");
}

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

void prepare_math() {
  prepare_blas();
  use_one_thread();
  const std::string warning = slow_blas_warning(matmul_gflops());
  if (!warning.empty()) spdlog::warn("{}", warning);
}

void hold_standard_streams() {
  int fd = 0;
  while (fd >= 0 && fd <= 2) fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (fd > 2) ::close(fd);
}

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw DiskError("cannot write to standard output");
}

}  // namespace pgtrain
