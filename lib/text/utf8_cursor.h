// Steps through text that is known to be valid UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace pgtrain {

// Bytes of the code point that begins with this byte.
inline size_t utf8_length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

struct CodePoint {
  char32_t value;
  size_t length;  // in bytes
};

// The code point at `at`, which must be the first byte of one.
inline CodePoint code_point_at(std::string_view text, size_t at) {
  const size_t length = utf8_length(text[at]);
  const auto byte = [&](size_t i) -> char32_t { return static_cast<unsigned char>(text[at + i]); };
  if (length == 1) return {byte(0), 1};
  if (length == 2) return {((byte(0) & 0x1FU) << 6) | (byte(1) & 0x3FU), 2};
  if (length == 3)
    return {((byte(0) & 0x0FU) << 12) | ((byte(1) & 0x3FU) << 6) | (byte(2) & 0x3FU), 3};
  return {((byte(0) & 0x07U) << 18) | ((byte(1) & 0x3FU) << 12) | ((byte(2) & 0x3FU) << 6) |
              (byte(3) & 0x3FU),
          4};
}

// The code point that ends before `end`, which must be a boundary above 0.
inline CodePoint code_point_before(std::string_view text, size_t end) {
  size_t begin = end - 1;
  while ((static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U) --begin;
  return code_point_at(text, begin);
}

}  // namespace pgtrain
