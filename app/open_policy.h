// Finding the policy that a user means by a folder name.
#pragma once

#include <filesystem>
#include <memory>

#include "actions.h"
#include "train/policy.h"

namespace pgtrain {

// A checkpoint folder itself; or for a run folder (it has checkpoints/) the link `which`, "best" or
// "latest"; best falls back to latest when no evaluation chose one. Throws DataError that says what
// was looked for.
std::filesystem::path find_checkpoint(const CheckpointFlags& flags);

// Verifies the folder's manifest and opens the policy: where the run keeps a moving average of the
// weights (optimizer.ema_decay) with that one, which its evaluations and the link "best" are about,
// unless trained. Throws DataError.
std::unique_ptr<Policy> open_policy(const std::filesystem::path& checkpoint, bool trained);

}  // namespace pgtrain
