#include "text/unicode.h"

#include <unicode/uchar.h>

#include <cstdint>
#include <cstring>

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

namespace {

// Whether eight ASCII bytes begin here; then they are written to `out`.
bool copy_eight_ascii(const unsigned char* bytes, char32_t* out) {
  constexpr uint64_t kHighBits = 0x8080808080808080ULL;
  uint64_t eight = 0;
  std::memcpy(&eight, bytes, sizeof eight);
  if ((eight & kHighBits) != 0) return false;
  for (size_t i = 0; i < sizeof eight; ++i) out[i] = bytes[i];
  return true;
}

bool is_continuation(unsigned char byte) { return (byte & 0xC0U) == 0x80U; }

// The code point of three bytes that begin with 0xE1..0xEC, where both others may be any
// continuation (most of CJK and Hangul); 0 when they are something else.
char32_t common_three_bytes(const unsigned char* bytes) {
  if (bytes[0] < 0xE1 || bytes[0] > 0xEC || !is_continuation(bytes[1]) ||
      !is_continuation(bytes[2]))
    return 0;
  return ((bytes[0] & 0x0FU) << 12) | ((bytes[1] & 0x3FU) << 6) | (bytes[2] & 0x3FU);
}

// Code points of the text; on_invalid(offset) is called for each ill-formed sequence, which becomes
// U+FFFD.
template <class OnInvalid>
std::u32string decode(std::string_view bytes, OnInvalid on_invalid) {
  std::u32string text(bytes.size(), U'\0');
  size_t length = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  for (size_t offset = 0; offset < bytes.size();) {
    if (offset + 8 <= bytes.size()) {  // shortcuts
      if (copy_eight_ascii(data + offset, &text[length])) {
        offset += 8;
        length += 8;
        continue;
      }
      if (const char32_t c = common_three_bytes(data + offset)) {
        text[length++] = c;
        offset += 3;
        continue;
      }
    }
    if (data[offset] < 0x80) {
      text[length++] = data[offset++];
      continue;
    }
    const Sequence sequence = read_sequence(bytes, offset);
    if (!sequence.valid) on_invalid(offset);
    text[length++] = sequence.code_point;
    offset += sequence.length;
  }
  text.resize(length);
  return text;
}

}  // namespace

std::u32string decode_utf8(std::string_view bytes) {
  return decode(bytes, [](size_t offset) {
    throw DataError(fmt::format("invalid UTF-8 at byte {}", offset));
  });
}

std::u32string decode_utf8_lossy(std::string_view bytes) {
  return decode(bytes, [](size_t /*offset*/) {});
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
