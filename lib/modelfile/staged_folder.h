// A folder that appears whole or not at all.
#pragma once

#include <filesystem>

namespace pgtrain {

// Files are written into path() beside the target; commit() makes them visible under the target's
// name in one rename. Without commit() the destructor removes what was written.
class StagedFolder {
 public:
  // Throws DataError when the target exists and is not an empty folder, DiskError when the
  // temporary folder cannot be made.
  explicit StagedFolder(const std::filesystem::path& target);
  ~StagedFolder();
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  const std::filesystem::path& path() const { return staging_; }
  // Durable on return, provided that the files are. Throws DiskError.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path staging_;
  bool committed_ = false;
};

}  // namespace pgtrain
