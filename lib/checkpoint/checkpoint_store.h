// The folder runs/NAME/checkpoints. It holds
// - warmup-000100/ step-000120/ ...: one finished checkpoint each, plain files, flat, and
//   manifest.json;
// - latest -> step-000120, best -> step-000080: symbolic links to a name beside them; they move
//   after the checkpoint is whole;
// - NAME.tmp-PID/, .trash-NAME-PID/: being written, being deleted; never read, removed by clean().
// manifest.json, always laid out exactly like this, with file names in byte order:
//   {
//     "schema": 1,
//     "pgtrain": "0.1.0",
//     "files": {
//       "model.safetensors": {"bytes": 1024, "sha256": "64 hexadecimal digits"},
//       "state.json": {"bytes": 512, "sha256": "64 hexadecimal digits"}
//     },
//     "manifest_sha256": "SHA-256 of this text with these 64 digits left out"
//   }
// To check a checkpoint without pgtrain, in its folder (one command):
//   sed -nE 's/^ *"(.*)": \{"bytes": [0-9]+, "sha256": "(.*)"\},?$/\2  \1/p' manifest.json
//     | sha256sum -c
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/version.h"

namespace pgtrain {

// "warmup-000100" for phase "warmup", "step-000120" for phase "train".
std::string checkpoint_name(const std::string& phase, int64_t step);

// All calls that write (save, point, retain, clean) need the lock of the run directory, held by the
// caller.
class CheckpointStore {
 public:
  // `directory` need not exist yet; `version` goes into the manifests.
  explicit CheckpointStore(std::filesystem::path directory, std::string version = kVersion);

  const std::filesystem::path& directory() const { return directory_; }

  // Makes the checkpoint `name` (see checkpoint_name) durable and returns its folder.
  // write_files(folder) creates plain files in an empty temporary folder; then every file, the
  // manifest and the folder are fsynced, the folder is renamed to `name` and the parent fsynced. A
  // kill at any moment leaves either no checkpoint `name` (or the old one) or the whole new one. A
  // checkpoint of the same name is replaced by an atomic exchange (by two renames where the file
  // system has no exchange). Links are not moved: see point. Throws DiskError, or what write_files
  // threw; the temporary folder is removed and the others are untouched.
  std::filesystem::path save(const std::string& name,
                             const std::function<void(const std::filesystem::path&)>& write_files);

  // Reads everything in a checkpoint folder and compares it with its manifest. Throws one DataError
  // with all problems: missing, unexpected or irregular files, sizes, hashes, a manifest that is
  // missing, changed, of an unknown schema, or that names files outside the folder.
  static void verify(const std::filesystem::path& checkpoint);

  // Moves the link "latest" or "best" to the checkpoint `name`, atomically. Throws DiskError.
  void point(const std::string& link, const std::string& name);
  // The name that the link "latest" or "best" points to, if it is the name of an existing
  // checkpoint folder.
  std::optional<std::string> target(const std::string& link) const;

  // The checkpoint to resume from: the target of `latest` if it verifies, else the newest other one
  // that does, with a warning for each that does not. Nothing when there is no checkpoint at all.
  // So a complete checkpoint newer than the link (a kill came between the rename and the link) is
  // left aside: the run goes on from the link, makes the same bits again and replaces it; and a
  // user can go back by moving the link. Throws DataError when there are checkpoints and none
  // verifies.
  std::optional<std::filesystem::path> latest() const;

  // Names of all checkpoint folders, oldest first: warm-up before training, then by step. Not
  // verified.
  std::vector<std::string> list() const;

  // Deletes old checkpoints. The newest (the target of `latest`; without one, the last of the list)
  // is verified first; then it, the keep_last - 1 (keep_last >= 1) before it, the targets of both
  // links, protected_names and all that are newer than `latest` stay. Each deletion renames the
  // folder to .trash-NAME-PID first. Throws DiskError, having deleted nothing, when the newest does
  // not verify; a failed deletion is only a warning.
  void retain(int64_t keep_last, const std::vector<std::string>& protected_names = {});

  // Removes what a killed process left: temporary and trash folders and half-made links. Throws
  // DiskError.
  void clean();

 private:
  std::filesystem::path directory_;
  std::string version_;
};

}  // namespace pgtrain
