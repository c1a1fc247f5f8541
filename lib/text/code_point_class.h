// Classes of code points with the meaning that Rust's char and regex give them, which differ from
// Python's (characters.h). Unicode data: ICU.
#pragma once

#include <unicode/uchar.h>

#include <cstdint>

namespace pgtrain {

inline bool in_categories(char32_t c, uint32_t mask) {
  return (U_MASK(u_charType(static_cast<UChar32>(c))) & mask) != 0;
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
// ASCII punctuation and symbols, and category P.
inline bool is_punctuation(char32_t c) {
  if (c < 0x80)
    return (c >= 0x21 && c <= 0x2F) || (c >= 0x3A && c <= 0x40) || (c >= 0x5B && c <= 0x60) ||
           (c >= 0x7B && c <= 0x7E);
  return in_categories(c, U_GC_P_MASK);
}
// \w (UTS 18, annex C): alphabetic, marks, decimal digits, connector punctuation, join controls.
inline bool is_regex_word(char32_t c) {
  if (c < 0x80) return is_letter(c) || is_numeric(c) || c == U'_';
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_ALPHABETIC) != 0 ||
         in_categories(c, U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK) || c == 0x200C || c == 0x200D;
}

}  // namespace pgtrain
