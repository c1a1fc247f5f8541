// --checkpoint, --which and --trained of the commands that read a checkpoint.
#pragma once

#include "actions.h"

namespace CLI {
class App;
}

namespace pgtrain {

void add_checkpoint_flags(CLI::App& command, CheckpointFlags& flags);

}  // namespace pgtrain
