#include "metrics/tensorboard.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/protobuf_reader.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxEventBytes = uint64_t{64} << 20;
constexpr size_t kBuckets = 30;

// ---- records ----

constexpr std::array<uint32_t, 256> crc_table() {
  constexpr uint32_t kReflectedPolynomial = 0x82F63B78;
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1U) != 0 ? kReflectedPolynomial : 0);
    table[byte] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = crc_table();

uint32_t masked_crc(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
}

uint64_t from_little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// ---- messages: numbers of fields in event.proto, summary.proto, tensor.proto ----

namespace event_field {
constexpr uint32_t kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7;
}
namespace summary_field {
constexpr uint32_t kValue = 1;
}
namespace value_field {
constexpr uint32_t kTag = 1, kSimpleValue = 2, kHisto = 5, kTensor = 8, kMetadata = 9;
}
namespace histogram_field {
constexpr uint32_t kMin = 1, kMax = 2, kCount = 3, kSum = 4, kSumSquares = 5, kBucketLimit = 6,
                   kBucket = 7;
}
namespace tensor_field {
constexpr uint32_t kDtype = 1, kShape = 2, kStringValue = 8;
constexpr uint64_t kString = 7;  // DT_STRING
}  // namespace tensor_field
namespace metadata_field {
constexpr uint32_t kPluginData = 1, kPluginName = 1;
}

std::string histogram_message(const std::vector<double>& values) {
  const auto [least, largest] = std::minmax_element(values.begin(), values.end());
  const double min = *least;
  const double max = *largest;
  const size_t buckets = min == max ? 1 : kBuckets;
  // Not max - min, which may overflow.
  const auto edge = [&](size_t i) {
    const double part = static_cast<double>(i) / static_cast<double>(buckets);
    return i == buckets ? max : min * (1 - part) + max * part;
  };
  std::vector<double> limits;
  for (size_t i = 1; i <= buckets; ++i) limits.push_back(edge(i));
  std::vector<double> counts(buckets, 0);
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    const auto found = std::upper_bound(limits.begin(), limits.end(), value);
    ++counts[std::min<size_t>(found - limits.begin(), buckets - 1)];
    sum += value;
    squares += value * value;
  }
  return ProtobufWriter()
      .float64(histogram_field::kMin, min)
      .float64(histogram_field::kMax, max)
      .float64(histogram_field::kCount, static_cast<double>(values.size()))
      .float64(histogram_field::kSum, sum)
      .float64(histogram_field::kSumSquares, squares)
      .packed_float64(histogram_field::kBucketLimit, limits)
      .packed_float64(histogram_field::kBucket, counts)
      .message();
}

// A string without dimensions: one dimension is shown as a table with a cell for each string.
std::string string_tensor(std::string_view text) {
  return ProtobufWriter()
      .varint(tensor_field::kDtype, tensor_field::kString)
      .bytes(tensor_field::kShape, "")
      .bytes(tensor_field::kStringValue, text)
      .message();
}

std::string metadata_of_plugin(std::string_view name) {
  const ProtobufWriter data = ProtobufWriter().bytes(metadata_field::kPluginName, name);
  return ProtobufWriter().bytes(metadata_field::kPluginData, data.message()).message();
}

// Zero is what a missing field means.
ProtobufWriter event_at(double wall_time, int64_t step) {
  ProtobufWriter event;
  event.float64(event_field::kWallTime, wall_time);
  if (step != 0) event.varint(event_field::kStep, static_cast<uint64_t>(step));
  return event;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const char byte : bytes)
    crc = kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 0xffU] ^ (crc >> 8);
  return ~crc;
}

std::string event_record(std::string_view event) {
  std::string record;
  append_little_endian(record, event.size(), 8);
  append_little_endian(record, masked_crc(record), 4);
  record += event;
  append_little_endian(record, masked_crc(event), 4);
  return record;
}

void EventSummary::add(const ProtobufWriter& value) {
  values_.bytes(summary_field::kValue, value.message());
}

void EventSummary::add_scalar(std::string_view tag, double value) {
  add(ProtobufWriter()
          .bytes(value_field::kTag, tag)
          .float32(value_field::kSimpleValue, static_cast<float>(value)));
}

void EventSummary::add_histogram(std::string_view tag, const std::vector<double>& values) {
  std::vector<double> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite),
               [](double value) { return std::isfinite(value); });
  if (finite.empty()) return;
  add(ProtobufWriter()
          .bytes(value_field::kTag, tag)
          .bytes(value_field::kHisto, histogram_message(finite)));
}

void EventSummary::add_text(std::string_view tag, std::string_view markdown) {
  add(ProtobufWriter()
          .bytes(value_field::kTag, tag)
          .bytes(value_field::kTensor, string_tensor(markdown))
          .bytes(value_field::kMetadata, metadata_of_plugin("text")));
}

std::string EventSummary::event(double wall_time, int64_t step) const {
  return event_at(wall_time, step).bytes(event_field::kSummary, values_.message()).message();
}

std::string file_version_event(double wall_time) {
  return event_at(wall_time, 0).bytes(event_field::kFileVersion, "brain.Event:2").message();
}

std::string session_start_event(double wall_time, int64_t step) {
  constexpr uint32_t kStatus = 1;
  constexpr uint64_t kStart = 1;
  const ProtobufWriter session = ProtobufWriter().varint(kStatus, kStart);
  return event_at(wall_time, step).bytes(event_field::kSessionLog, session.message()).message();
}

EventHead read_event_head(std::string_view event, const std::string& source) {
  EventHead head;
  ProtobufReader fields(event, source);
  while (fields.next()) {
    if (fields.number() == event_field::kStep) head.step = static_cast<int64_t>(fields.varint());
    if (fields.number() != event_field::kSummary) continue;
    ProtobufReader values(fields.bytes(), source);
    while (values.next() && values.number() != summary_field::kValue) {
    }
    if (values.number() != summary_field::kValue) continue;
    ProtobufReader value(values.bytes(), source);
    while (value.next())
      if (value.number() == value_field::kTag) head.first_tag = value.bytes();
  }
  return head;
}

EventReader::EventReader(const fs::path& path) : path_(path.string()) {
  std::error_code error;
  size_ = fs::file_size(path, error);
  if (!error) stream_.open(path, std::ios::binary);
  if (error || !stream_) throw DataError(fmt::format("{}: cannot be opened for reading", path_));
}

bool EventReader::read(std::string& bytes, uint64_t count) {
  bytes.resize(count);
  return static_cast<bool>(stream_.read(bytes.data(), static_cast<std::streamsize>(count)));
}

std::optional<std::string> EventReader::next() {
  constexpr uint64_t kHead = 12;
  constexpr uint64_t kFrame = kHead + 4;
  const auto fail = [&] {
    throw DataError(fmt::format("{}: the record at byte {} is damaged", path_, offset_));
  };
  std::string head;
  if (!read(head, kHead)) return std::nullopt;
  const std::string_view length_bytes = std::string_view(head).substr(0, 8);
  const uint64_t length = from_little_endian(length_bytes);
  if (from_little_endian(std::string_view(head).substr(8)) != masked_crc(length_bytes) ||
      length > kMaxEventBytes)
    fail();
  std::string event;
  std::string checksum;
  // The size is looked at first, so that a wrong length takes no memory.
  if (offset_ + kFrame + length > size_ || !read(event, length) || !read(checksum, 4))
    return std::nullopt;
  if (from_little_endian(checksum) != masked_crc(event)) fail();
  offset_ += kFrame + length;
  return event;
}

}  // namespace pgtrain
