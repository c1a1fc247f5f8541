#include "text/characters.h"

#include <unicode/uchar.h>

namespace pgtrain {
namespace {

constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kFinalSigma = 0x3C2;
constexpr char32_t kCapitalDottedI = 0x130;
constexpr char32_t kDotAbove = 0x307;

bool has_property(char32_t c, UProperty property) {
  return u_hasBinaryProperty(static_cast<UChar32>(c), property) != 0;
}

// Unicode 15, table 3-17, Final_Sigma: a cased letter stands before, none after, looking past
// characters that casing ignores.
bool is_final_sigma(std::u32string_view text, size_t at) {
  size_t before = at;
  while (before > 0 && has_property(text[before - 1], UCHAR_CASE_IGNORABLE)) --before;
  if (before == 0 || !has_property(text[before - 1], UCHAR_CASED)) return false;
  size_t after = at + 1;
  while (after < text.size() && has_property(text[after], UCHAR_CASE_IGNORABLE)) ++after;
  return after == text.size() || !has_property(text[after], UCHAR_CASED);
}

}  // namespace

bool is_space(char32_t c) {
  if (c < 0x80) return c == U' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0;
}

bool is_word_character(char32_t c) {
  if (c < 0x80)
    return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') || (c >= U'0' && c <= U'9') ||
           c == U'_';
  const auto code = static_cast<UChar32>(c);
  return u_isalpha(code) != 0 || u_getIntPropertyValue(code, UCHAR_NUMERIC_TYPE) != U_NT_NONE;
}

bool is_ascii_punctuation(char32_t c) {
  return (c >= 0x21 && c <= 0x2F) || (c >= 0x3A && c <= 0x40) || (c >= 0x5B && c <= 0x60) ||
         (c >= 0x7B && c <= 0x7E);
}

bool is_letter_mark_or_number(char32_t c) {
  constexpr uint32_t kMask = U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK;
  return (U_MASK(u_charType(static_cast<UChar32>(c))) & kMask) != 0;
}

bool is_ideograph_or_kana(char32_t c) {
  if (has_property(c, UCHAR_IDEOGRAPHIC)) return true;
  const UBlockCode block = ublock_getCode(static_cast<UChar32>(c));
  return block == UBLOCK_HIRAGANA || block == UBLOCK_KATAKANA ||
         block == UBLOCK_KATAKANA_PHONETIC_EXTENSIONS;
}

std::vector<std::u32string_view> split_on_space(std::u32string_view text) {
  std::vector<std::u32string_view> words;
  for (size_t i = 0; i < text.size();) {
    if (is_space(text[i])) {
      ++i;
      continue;
    }
    size_t end = i + 1;
    while (end < text.size() && !is_space(text[end])) ++end;
    words.push_back(text.substr(i, end - i));
    i = end;
  }
  return words;
}

std::u32string_view strip_right(std::u32string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::u32string_view strip(std::u32string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return strip_right(text);
}

std::u32string lower_case(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    if (c < 0x80) {
      result += c >= U'A' && c <= U'Z' ? c + (U'a' - U'A') : c;
    } else if (c == kCapitalSigma && is_final_sigma(text, i)) {
      result += kFinalSigma;
    } else if (c == kCapitalDottedI) {
      result += U'i';
      result += kDotAbove;
    } else {
      result += static_cast<char32_t>(u_tolower(static_cast<UChar32>(c)));
    }
  }
  return result;
}

}  // namespace pgtrain
