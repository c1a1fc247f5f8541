// The event file for TensorBoard of a run that may be killed and go on.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "core/files.h"
#include "metrics/tensorboard.h"

namespace pgtrain {

// The event file of a run's folder, events.out.tfevents.SECONDS.pgtrain. Each process writes a file
// of its own, which starts with the events that it keeps of its predecessor's; that one is emptied
// then. So a reader of the folder gets every step once, wherever a kill came, and a TensorBoard
// that watches it starts over with the new file.
class EventFile {
 public:
  // keep: which events of the predecessor stay. Throws DiskError; a predecessor with damage is kept
  // up to the damage, with a warning.
  EventFile(const std::filesystem::path& folder, const std::function<bool(const EventHead&)>& keep);

  // The event is in the file, whole, when this returns. Throws DiskError.
  void write(const EventSummary& summary, int64_t step);
  // Brings all events to the disk. Throws DiskError.
  void sync();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::unique_ptr<AppendFile> file_;
};

// The names of the event files in a folder that EventFile wrote, oldest first; none when there is
// no folder.
std::vector<std::filesystem::path> event_files(const std::filesystem::path& folder);

}  // namespace pgtrain
