// Event files of TensorBoard, written and read back without its libraries.
//
// A file is a sequence of records, all numbers little-endian:
//   u64 length | u32 mask(crc32c(the 8 bytes of length)) | data | u32 mask(crc32c(data))
//   mask(c) = (c rotated right by 15 bits) + 0xa282ead8
// data is an Event in protobuf form (tensorboard/compat/proto/event.proto, summary.proto): wall
// time in seconds, step, and a file version, a session start or a summary. A summary is a list of
// values, each with a tag; tags are shown in groups by what stands before their first '/'.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/protobuf_writer.h"

namespace pgtrain {

// CRC-32C (Castagnoli; RFC 3720, appendix B.4): 0xe3069283 for "123456789".
uint32_t crc32c(std::string_view bytes);

// The record that holds an event.
std::string event_record(std::string_view event);

// The values of one step.
class EventSummary {
 public:
  // As float32, the precision that TensorBoard keeps.
  void add_scalar(std::string_view tag, double value);
  // 30 buckets of equal width from the least to the largest value, one when all are equal. Values
  // that are not finite are left out; without any other, nothing is added.
  void add_histogram(std::string_view tag, const std::vector<double>& values);
  // Shown as Markdown.
  void add_text(std::string_view tag, std::string_view markdown);

  bool empty() const { return values_.message().empty(); }
  // The event with these values. wall_time: seconds since 1970.
  std::string event(double wall_time, int64_t step) const;

 private:
  void add(const ProtobufWriter& value);
  ProtobufWriter values_;  // the Summary
};

// The first event of every file.
std::string file_version_event(double wall_time);
// Readers that watch the folder drop what they have read at `step` and later.
std::string session_start_event(double wall_time, int64_t step);

// What places an event on the curves.
struct EventHead {
  int64_t step = 0;
  std::string first_tag;  // empty when the event has no values
};
// Throws DataError, which begins with `source`, when the bytes are not an event.
EventHead read_event_head(std::string_view event, const std::string& source);

// Reads the events of a file from the start.
class EventReader {
 public:
  // Throws DataError when it cannot be opened.
  explicit EventReader(const std::filesystem::path& path);
  // The next event; nullopt at the end of the file, which may lie within a record that is being
  // written. Throws DataError for a record whose checksums are wrong or that has more than 64 MiB.
  std::optional<std::string> next();

 private:
  // False when the file ends before.
  bool read(std::string& bytes, uint64_t count);

  std::string path_;
  std::ifstream stream_;
  uint64_t size_ = 0;
  uint64_t offset_ = 0;
};

}  // namespace pgtrain
