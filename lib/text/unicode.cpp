#include "text/unicode.h"

#include <unicode/uchar.h>

#include "core/error.h"

namespace pgtrain {
namespace {

// Result of reading one sequence: its length in bytes, and whether it is well formed. An ill-formed
// one covers the maximal subpart: the longest beginning of a well-formed sequence, at least one
// byte.
struct Sequence {
  char32_t code_point;
  size_t length;
  bool valid;
};

// Bytes after the first one, and the range that the second byte must be in (table 3-7).
struct Lead {
  int continuation;  // -1: cannot begin a sequence
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
};

Lead classify(unsigned char first) {
  if (first < 0x80) return {0};
  if (first < 0xC2) return {-1};
  if (first < 0xE0) return {1};
  if (first == 0xE0) return {2, 0xA0, 0xBF};
  if (first == 0xED) return {2, 0x80, 0x9F};
  if (first < 0xF0) return {2};
  if (first == 0xF0) return {3, 0x90, 0xBF};
  if (first < 0xF4) return {3};
  if (first == 0xF4) return {3, 0x80, 0x8F};
  return {-1};
}

Sequence read_sequence(std::string_view bytes, size_t offset) {
  const auto first = static_cast<unsigned char>(bytes[offset]);
  const Lead lead = classify(first);
  if (lead.continuation < 0) return {kReplacementCharacter, 1, false};
  if (lead.continuation == 0) return {first, 1, true};
  char32_t code_point = first & (0x3FU >> lead.continuation);
  size_t length = 1;
  for (int i = 0; i < lead.continuation; ++i, ++length) {
    if (offset + length >= bytes.size()) return {kReplacementCharacter, length, false};
    const auto byte = static_cast<unsigned char>(bytes[offset + length]);
    const unsigned char low = i == 0 ? lead.low : 0x80;
    const unsigned char high = i == 0 ? lead.high : 0xBF;
    if (byte < low || byte > high) return {kReplacementCharacter, length, false};
    code_point = (code_point << 6) | (byte & 0x3FU);
  }
  return {code_point, length, true};
}

}  // namespace

size_t find_invalid_utf8(std::string_view bytes) {
  for (size_t offset = 0; offset < bytes.size();) {
    const Sequence sequence = read_sequence(bytes, offset);
    if (!sequence.valid) return offset;
    offset += sequence.length;
  }
  return std::string_view::npos;
}

std::u32string decode_utf8(std::string_view bytes) {
  std::u32string text;
  text.reserve(bytes.size());
  for (size_t offset = 0; offset < bytes.size();) {
    const Sequence sequence = read_sequence(bytes, offset);
    if (!sequence.valid) throw DataError(fmt::format("invalid UTF-8 at byte {}", offset));
    text.push_back(sequence.code_point);
    offset += sequence.length;
  }
  return text;
}

std::u32string decode_utf8_lossy(std::string_view bytes) {
  std::u32string text;
  text.reserve(bytes.size());
  for (size_t offset = 0; offset < bytes.size();) {
    const Sequence sequence = read_sequence(bytes, offset);
    text.push_back(sequence.code_point);
    offset += sequence.length;
  }
  return text;
}

void append_utf8(std::string& out, char32_t code_point) {
  PG_CHECK(code_point < 0x110000 && (code_point < 0xD800 || code_point > 0xDFFF),
           "U+{:04X} is not a scalar value", static_cast<uint32_t>(code_point));
  const auto tail = [&](int shift) {
    out.push_back(static_cast<char>(0x80U | ((code_point >> shift) & 0x3FU)));
  };
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xC0U | (code_point >> 6)));
    tail(0);
  } else if (code_point < 0x10000) {
    out.push_back(static_cast<char>(0xE0U | (code_point >> 12)));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0U | (code_point >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string encode_utf8(std::u32string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (char32_t code_point : text) append_utf8(bytes, code_point);
  return bytes;
}

std::string replace_invalid_utf8(std::string_view bytes) {
  if (find_invalid_utf8(bytes) == std::string_view::npos) return std::string(bytes);
  return encode_utf8(decode_utf8_lossy(bytes));
}

std::string escape_text(std::string_view bytes) {
  std::string out;
  for (size_t offset = 0; offset < bytes.size();) {
    const Sequence sequence = read_sequence(bytes, offset);
    const std::string_view raw = bytes.substr(offset, sequence.length);
    const auto code_point = static_cast<uint32_t>(sequence.code_point);
    if (!sequence.valid) {
      for (char byte : raw) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    } else if (code_point == '\\') {
      out += "\\\\";
    } else if (code_point < 0x20 || code_point == 0x7F) {
      out += fmt::format("\\x{:02x}", code_point);
    } else if (code_point == ' ' || u_isgraph(static_cast<UChar32>(code_point))) {
      out += raw;
    } else {
      out += fmt::format("\\u{{{:x}}}", code_point);
    }
    offset += sequence.length;
  }
  return out;
}

}  // namespace pgtrain
