// Builds a protocol buffer message, field after field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pgtrain {

// The `bytes` lowest bytes of the value, lowest first.
void append_little_endian(std::string& out, uint64_t value, int bytes);

class ProtobufWriter {
 public:
  ProtobufWriter& varint(uint32_t number, uint64_t value);
  ProtobufWriter& float32(uint32_t number, float value);
  ProtobufWriter& float64(uint32_t number, double value);
  ProtobufWriter& packed_float64(uint32_t number, const std::vector<double>& values);
  // Also strings and messages.
  ProtobufWriter& bytes(uint32_t number, std::string_view value);

  const std::string& message() const { return message_; }

 private:
  enum Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
  void put_key(uint32_t number, Wire wire);
  void put_varint(uint64_t value);

  std::string message_;
};

}  // namespace pgtrain
