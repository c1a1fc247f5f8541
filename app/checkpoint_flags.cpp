#include "checkpoint_flags.h"

#include <CLI/CLI.hpp>

namespace pgtrain {

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

}  // namespace pgtrain
