#include "metrics/event_file.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

#include "core/error.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFilePrefix = "events.out.tfevents.";
constexpr std::string_view kFileSuffix = ".pgtrain";
// TensorBoard takes every file with "tfevents" in its name for an event file.
constexpr const char* kUnfinishedFile = "events.tmp";

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// The number in the name of a file of ours; nullopt for others.
std::optional<uint64_t> seconds_in(std::string_view name) {
  if (name.size() < kFilePrefix.size() + kFileSuffix.size() ||
      name.substr(0, kFilePrefix.size()) != kFilePrefix ||
      name.substr(name.size() - kFileSuffix.size()) != kFileSuffix)
    return std::nullopt;
  name.remove_prefix(kFilePrefix.size());
  name.remove_suffix(kFileSuffix.size());
  uint64_t seconds = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), seconds);
  // Ten digits, so that the order of the names, which TensorBoard follows, is that of the times.
  if (error != std::errc() || end != name.data() + name.size() || name.size() != 10)
    return std::nullopt;
  return seconds;
}

// Later than every one in the folder, whatever the clock says.
std::string next_name(const std::vector<fs::path>& present) {
  auto seconds = static_cast<uint64_t>(now());
  for (const fs::path& file : present)
    seconds = std::max(seconds, *seconds_in(file.filename().string()) + 1);
  return fmt::format("{}{:010}{}", kFilePrefix, seconds, kFileSuffix);
}

uint64_t copy_events(const fs::path& from, const std::function<bool(const EventHead&)>& keep,
                     OutputFile& to) {
  uint64_t length = 0;
  try {
    EventReader reader(from);
    while (const auto event = reader.next()) {
      const EventHead head = read_event_head(*event, from.string());
      if (head.first_tag.empty() || !keep(head)) continue;
      const std::string record = event_record(*event);
      to.write(record.data(), record.size());
      length += record.size();
    }
  } catch (const DataError& e) {
    // The curves are a view of the run; its record is elsewhere.
    spdlog::warn("{}; TensorBoard's curves lack what came after it", e.what());
  }
  return length;
}

// The last one is emptied, not removed: a TensorBoard without TensorFlow's reader that watches it
// would wait for it forever.
void retire(const std::vector<fs::path>& files) {
  std::error_code error;
  for (const fs::path& file : files) {
    if (file == files.back())
      fs::resize_file(file, 0, error);
    else
      fs::remove(file, error);
    if (error)
      throw DiskError(fmt::format("{}: cannot be emptied: {}", file.string(), error.message()));
  }
}

}  // namespace

std::vector<fs::path> event_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder, missing))
    if (seconds_in(entry.path().filename().string())) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

EventFile::EventFile(const fs::path& folder, const std::function<bool(const EventHead&)>& keep) {
  const std::vector<fs::path> present = event_files(folder);
  const fs::path unfinished = folder / kUnfinishedFile;
  path_ = folder / next_name(present);
  const double time = now();
  const std::string start =
      event_record(file_version_event(time)) + event_record(session_start_event(time, 0));
  uint64_t length = start.size();
  OutputFile file(unfinished);
  file.write(start.data(), start.size());
  // A kill may have come before the old one was emptied: the newest file is the one that holds all.
  if (!present.empty()) length += copy_events(present.back(), keep, file);
  file.close();
  std::error_code error;
  fs::rename(unfinished, path_, error);
  if (error)
    throw DiskError(fmt::format("{}: cannot be renamed to {}: {}", unfinished.string(),
                                path_.string(), error.message()));
  retire(present);
  sync_directory(folder);
  file_ = std::make_unique<AppendFile>(path_, length);
}

void EventFile::write(const EventSummary& summary, int64_t step) {
  if (!summary.empty()) file_->append(event_record(summary.event(now(), step)));
}

void EventFile::sync() { file_->sync(); }

}  // namespace pgtrain
