// SentencePiece's precompiled character map: a double-array trie from byte sequences to their
// replacements.
//   u32 little-endian: size in bytes of the trie; the trie, u32 units; the replacements, each ended
//   by a zero byte. A unit holds: bits 0-7 and 31 the label, bit 8 "a value follows", bits 10-30
//   the offset to the children (shifted left by 8 when bit 9 is set); a value's unit holds the
//   position of the replacement in bits 0-30.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgtrain {

class Charsmap {
 public:
  // Throws DataError that begins with `source` when the sizes do not fit or the replacements are
  // not valid UTF-8.
  Charsmap(std::string_view bytes, const std::string& source);

  // The replacement of the shortest beginning of `chunk` that the map has, nothing when it has
  // none. Never reads outside of the map, whatever the trie holds.
  std::optional<std::string_view> find(std::string_view chunk) const;

  // The text with each grapheme cluster of less than six bytes replaced as a whole where the map
  // has it, and the rest code point by code point: as the tokenizers library does it.
  std::string apply(std::string_view text) const;

 private:
  void append(std::string& out, std::string_view cluster) const;

  std::vector<uint32_t> trie_;
  std::string replacements_;
};

}  // namespace pgtrain
