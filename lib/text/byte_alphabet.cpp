#include "text/byte_alphabet.h"

#include <array>

#include "text/unicode.h"
#include "text/utf8_cursor.h"

namespace pgtrain {
namespace {

constexpr size_t kNumMoved = 68;

constexpr bool is_visible(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Alphabet {
  Alphabet() {
    size_t moved = 0;
    for (int byte = 0; byte < 256; ++byte) {
      const auto c =
          static_cast<char32_t>(is_visible(byte) ? static_cast<size_t>(byte) : 256 + moved);
      if (!is_visible(byte)) moved_bytes[moved++] = byte;
      append_utf8(characters[static_cast<size_t>(byte)], c);
    }
  }
  std::array<std::string, 256> characters;
  std::array<int, kNumMoved> moved_bytes{};
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}

}  // namespace

std::string_view byte_to_character(unsigned char byte) { return alphabet().characters[byte]; }

void append_byte_characters(std::string& out, std::string_view bytes) {
  const Alphabet& table = alphabet();
  for (char byte : bytes) out += table.characters[static_cast<unsigned char>(byte)];
}

int character_to_byte(char32_t c) {
  if (c < 256) return is_visible(static_cast<int>(c)) ? static_cast<int>(c) : -1;
  return c - 256 < kNumMoved ? alphabet().moved_bytes[c - 256] : -1;
}

bool append_character_bytes(std::string& out, std::string_view token) {
  const size_t before = out.size();
  for (size_t at = 0; at < token.size();) {
    const CodePoint c = code_point_at(token, at);
    const int byte = character_to_byte(c.value);
    if (byte < 0) {
      out.resize(before);
      return false;
    }
    out.push_back(static_cast<char>(byte));
    at += c.length;
  }
  return true;
}

}  // namespace pgtrain
