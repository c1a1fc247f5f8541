// Finding the policy that a user means by a folder name.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "train/policy.h"

namespace pgtrain {

// A checkpoint folder itself; or for a run folder (it has checkpoints/) the link `which`, "best" or
// "latest"; best falls back to latest when no evaluation chose one. Throws DataError that says what
// was looked for.
std::filesystem::path find_checkpoint(const std::filesystem::path& path, const std::string& which);

// Verifies the folder's manifest and opens the policy.
std::unique_ptr<Policy> open_policy(const std::filesystem::path& checkpoint);

}  // namespace pgtrain
