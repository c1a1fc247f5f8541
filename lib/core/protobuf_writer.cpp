#include "core/protobuf_writer.h"

#include <cstring>

namespace pgtrain {
namespace {

uint64_t bits_of(double value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

}  // namespace

void append_little_endian(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xffU);
}

void ProtobufWriter::put_varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) message_ += static_cast<char>(value | 0x80);
  message_ += static_cast<char>(value);
}

void ProtobufWriter::put_key(uint32_t number, Wire wire) { put_varint(number << 3 | wire); }

ProtobufWriter& ProtobufWriter::varint(uint32_t number, uint64_t value) {
  put_key(number, kVarint);
  put_varint(value);
  return *this;
}

ProtobufWriter& ProtobufWriter::float32(uint32_t number, float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  put_key(number, kFixed32);
  append_little_endian(message_, bits, 4);
  return *this;
}

ProtobufWriter& ProtobufWriter::float64(uint32_t number, double value) {
  put_key(number, kFixed64);
  append_little_endian(message_, bits_of(value), 8);
  return *this;
}

ProtobufWriter& ProtobufWriter::packed_float64(uint32_t number, const std::vector<double>& values) {
  put_key(number, kBytes);
  put_varint(values.size() * sizeof(double));
  for (const double value : values) append_little_endian(message_, bits_of(value), 8);
  return *this;
}

ProtobufWriter& ProtobufWriter::bytes(uint32_t number, std::string_view value) {
  put_key(number, kBytes);
  put_varint(value.size());
  message_ += value;
  return *this;
}

}  // namespace pgtrain
