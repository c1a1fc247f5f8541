// The fields of a protocol buffer message, one after the other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pgtrain {

class ProtobufReader {
 public:
  // Errors begin with `source`.
  ProtobufReader(std::string_view message, std::string source)
      : rest_(message), source_(std::move(source)) {}

  // Moves to the next field; false at the end of the message. Throws DataError when no well-formed
  // field begins there.
  bool next();
  uint64_t number() const { return number_; }

  // The field's value; throws DataError when its wire type is another.
  std::string_view bytes() const;
  uint64_t varint() const;
  bool boolean() const { return varint() != 0; }
  int64_t int32() const;  // also enumerations; negative numbers have ten bytes
  float float32() const;

  [[noreturn]] void fail(const std::string& problem) const;

 private:
  enum Wire : uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
  uint64_t read_varint();
  std::string_view take(uint64_t size);
  void expect(Wire wire) const;

  std::string_view rest_;
  std::string source_;
  uint64_t number_ = 0;
  uint64_t wire_ = 0;
  uint64_t value_ = 0;
  std::string_view bytes_;
};

}  // namespace pgtrain
