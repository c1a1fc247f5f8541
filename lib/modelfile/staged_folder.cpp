#include "modelfile/staged_folder.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "core/error.h"
#include "core/files.h"

namespace pgtrain {
namespace fs = std::filesystem;
namespace {

// "models/out/" names the folder "models/out".
fs::path without_slash(const fs::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace

StagedFolder::StagedFolder(const fs::path& target)
    : target_(without_slash(target)),
      staging_(target_.string() + fmt::format(".tmp-{}", ::getpid())) {
  std::error_code error;
  const bool exists = fs::exists(fs::symlink_status(target_, error));
  if (exists && !(fs::is_directory(target_, error) && fs::is_empty(target_, error)))
    throw DataError(fmt::format(
        "{}: exists already and is not an empty folder; name another or remove it",
        target_.string()));
  make_directories(parent_of(target_));
  fs::remove_all(staging_, error);
  make_directories(staging_);
}

StagedFolder::~StagedFolder() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(staging_, ignored);
}

void StagedFolder::commit() {
  sync_directory(staging_);
  if (std::rename(staging_.c_str(), target_.c_str()) != 0)
    throw DiskError(
        fmt::format("{}: cannot make the folder: {}", target_.string(), std::strerror(errno)));
  committed_ = true;
  sync_directory(parent_of(target_));
}

}  // namespace pgtrain
