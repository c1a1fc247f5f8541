// Classes of code points as the tokenizers library has them: those of Rust's char and regex, which
// differ from Python's (characters.h), and some of old versions of Unicode, which the library still
// has. Unicode data: ICU, whose version bounds what is known of code points added lately.
#pragma once

#include <unicode/uchar.h>

#include <cstdint>

namespace pgtrain {

inline bool in_categories(char32_t c, uint32_t mask) {
  return (U_MASK(u_charType(static_cast<UChar32>(c))) & mask) != 0;
}
// The same by Unicode 8 or 9: code points that are younger have no category. Categories that later
// versions changed are not changed back.
inline bool in_old_categories(char32_t c, uint32_t mask, int unicode_version) {
  if (!in_categories(c, mask)) return false;
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] <= unicode_version;
}
// White_Space.
inline bool is_white_space(char32_t c) {
  if (c < 0x80) return c == U' ' || (c >= 0x09 && c <= 0x0D);
  return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0;
}
// Category L.
inline bool is_letter(char32_t c) {
  if (c < 0x80) return (c | 0x20U) - U'a' < 26;
  return in_categories(c, U_GC_L_MASK);
}
// Category N.
inline bool is_numeric(char32_t c) {
  if (c < 0x80) return c - U'0' < 10;
  return in_categories(c, U_GC_N_MASK);
}
// ASCII punctuation and symbols, and category P of Unicode 8.
inline bool is_punctuation(char32_t c) {
  if (c < 0x80)
    return (c >= 0x21 && c <= 0x2F) || (c >= 0x3A && c <= 0x40) || (c >= 0x5B && c <= 0x60) ||
           (c >= 0x7B && c <= 0x7E);
  return in_old_categories(c, U_GC_P_MASK, 8) || c == 0x166D || c == 0x111C9;
}
// Category M of Unicode 9: what StripAccents drops.
inline bool is_mark(char32_t c) {
  return (in_old_categories(c, U_GC_M_MASK, 9) && c != 0x111C9) || c == 0x1CF2 || c == 0x1CF3;
}
// Category Mn of Unicode 8: what BertNormalizer drops.
inline bool is_nonspacing_mark(char32_t c) {
  const bool changed = c == 0x1885 || c == 0x1886 || c == 0xA9BD || c == 0x111C9;
  return (in_old_categories(c, U_GC_MN_MASK, 8) && !changed) || c == 0x1734;
}
// \w (UTS 18, annex C): alphabetic, marks, decimal digits, connector punctuation, join controls.
inline bool is_regex_word(char32_t c) {
  if (c < 0x80) return is_letter(c) || is_numeric(c) || c == U'_';
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_ALPHABETIC) != 0 ||
         in_categories(c, U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK) || c == 0x200C || c == 0x200D;
}

}  // namespace pgtrain
