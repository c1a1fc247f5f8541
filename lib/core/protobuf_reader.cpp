#include "core/protobuf_reader.h"

#include <cstring>

#include "core/error.h"

namespace pgtrain {

void ProtobufReader::fail(const std::string& problem) const {
  throw DataError(fmt::format("{}: {}", source_, problem));
}

uint64_t ProtobufReader::read_varint() {
  uint64_t value = 0;
  for (size_t i = 0; i < 10; ++i) {
    if (i >= rest_.size()) fail("ends inside of a number");
    const auto byte = static_cast<unsigned char>(rest_[i]);
    if (i == 9 && byte > 1) break;
    value |= uint64_t{byte & 0x7FU} << (7 * i);
    if (byte < 0x80) {
      rest_.remove_prefix(i + 1);
      return value;
    }
  }
  fail("has a number of more than 64 bits");
}

std::string_view ProtobufReader::take(uint64_t size) {
  if (size > rest_.size())
    fail(fmt::format("field {} has {} bytes where {} are left", number_, size, rest_.size()));
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

bool ProtobufReader::next() {
  if (rest_.empty()) return false;
  const uint64_t key = read_varint();
  number_ = key >> 3;
  wire_ = key & 7U;
  if (number_ == 0) fail("has a field without a number");
  if (wire_ == kVarint)
    value_ = read_varint();
  else if (wire_ == kBytes)
    bytes_ = take(read_varint());
  else if (wire_ == kFixed32 || wire_ == kFixed64)
    bytes_ = take(wire_ == kFixed32 ? 4 : 8);
  else
    fail(fmt::format("field {} has the unknown wire type {}", number_, wire_));
  return true;
}

void ProtobufReader::expect(Wire wire) const {
  if (wire_ != wire)
    fail(fmt::format("field {} has wire type {} instead of {}", number_, wire_,
                     static_cast<uint64_t>(wire)));
}

std::string_view ProtobufReader::bytes() const {
  expect(kBytes);
  return bytes_;
}

uint64_t ProtobufReader::varint() const {
  expect(kVarint);
  return value_;
}

int64_t ProtobufReader::int32() const {
  const auto value = static_cast<int64_t>(varint());
  if (value < INT32_MIN || value > INT32_MAX)
    fail(fmt::format("field {} is {}, which is no 32-bit number", number_, value));
  return value;
}

float ProtobufReader::float32() const {
  expect(kFixed32);
  uint32_t bits = 0;
  for (size_t i = 4; i-- > 0;) bits = bits << 8 | static_cast<unsigned char>(bytes_[i]);
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace pgtrain
