// Character classes and small text operations with the meaning that Python's str gives them,
// because the libraries that define the text metrics are written in Python. Unicode data: ICU.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgtrain {

// str.isspace: Unicode White_Space and U+001C..U+001F.
inline bool is_space(char32_t c) {
  if (c < 0x85) return c == U' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  if (c < 0x1680) return c == 0x85 || c == 0xA0;
  return c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}
// \w of Python's re: letters (category L), anything with a numeric value, '_'. No combining marks.
bool is_word_character(char32_t c);
// string.punctuation: the 32 punctuation marks and symbols of ASCII.
bool is_ascii_punctuation(char32_t c);

// Letters, combining marks and numbers: categories L, M, N.
bool is_letter_mark_or_number(char32_t c);
// U+0027 and U+2019, which may stand inside a word.
inline bool is_apostrophe(char32_t c) { return c == 0x27 || c == 0x2019; }
// Ideographs and kana: scripts written without spaces, in which a character can be a word.
bool is_ideograph_or_kana(char32_t c);

// str.split(): the runs of characters that are not space. Views into the text.
std::vector<std::u32string_view> split_on_space(std::u32string_view text);
// str.strip() and str.rstrip().
std::u32string_view strip(std::u32string_view text);
std::u32string_view strip_right(std::u32string_view text);

// str.lower(): full lower case without a locale; capital sigma at the end of a word becomes final
// sigma, U+0130 becomes two characters.
std::u32string lower_case(std::u32string_view text);

}  // namespace pgtrain
