#include "text/words.h"

#include <unicode/uchar.h>

#include "text/characters.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

bool is_white_space(char32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0; }

bool is_word_letter(char32_t c) {
  return c == U'_' || (is_letter_mark_or_number(c) && !is_ideograph_or_kana(c));
}

// End of the word that begins at `begin`.
size_t word_end(const std::u32string& text, size_t begin) {
  size_t end = begin + 1;
  for (; end < text.size(); ++end) {
    if (is_word_letter(text[end])) continue;
    const bool inner = is_apostrophe(text[end]) && is_word_letter(text[end - 1]) &&
                       end + 1 < text.size() && is_word_letter(text[end + 1]);
    if (!inner) break;
  }
  return end;
}

}  // namespace

std::vector<WordPiece> split_words(std::string_view bytes) {
  const std::u32string text = decode_utf8(bytes);
  std::vector<WordPiece> pieces;
  bool space_before = false;
  for (size_t i = 0; i < text.size();) {
    if (is_white_space(text[i])) {
      space_before = true;
      ++i;
      continue;
    }
    const bool is_word = is_word_letter(text[i]);
    const size_t end = is_word ? word_end(text, i) : i + 1;
    pieces.push_back(
        {encode_utf8(std::u32string_view(text).substr(i, end - i)), is_word, space_before});
    space_before = false;
    i = end;
  }
  return pieces;
}

}  // namespace pgtrain
