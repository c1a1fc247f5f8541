// Strict UTF-8 (Unicode 15, section 3.9, table 3-7: no overlong forms, no surrogates, nothing above
// U+10FFFF) and the code-point string that the text metrics work on.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pgtrain {

constexpr char32_t kReplacementCharacter = 0xFFFD;

// Offset of the first byte that is not part of a well-formed sequence's beginning; npos when all is
// fine.
size_t find_invalid_utf8(std::string_view bytes);

// Code points of the text. Throws DataError with the byte offset when it is not valid UTF-8.
std::u32string decode_utf8(std::string_view bytes);

// As decode_utf8, but each maximal part of an ill-formed sequence becomes one U+FFFD (the practice
// that the Unicode standard recommends in section 3.9), so that it never fails.
std::u32string decode_utf8_lossy(std::string_view bytes);

// UTF-8 of the code points; all must be scalar values (below U+110000 and no surrogate).
std::string encode_utf8(std::u32string_view text);
void append_utf8(std::string& out, char32_t code_point);

// The text itself when it is valid UTF-8; otherwise with U+FFFD as in decode_utf8_lossy.
std::string replace_invalid_utf8(std::string_view bytes);

// For messages and reports: code points without a visible form and the backslash as \x0a, \u{200b},
// \\; bytes that are not UTF-8 as \xff. A space stays a space.
std::string escape_text(std::string_view bytes);

}  // namespace pgtrain
