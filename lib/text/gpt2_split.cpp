#include "text/gpt2_split.h"

#include "text/unicode.h"
#include "text/word_patterns.h"

namespace pgtrain {

void gpt2_split(std::string_view text, const std::function<void(std::string_view)>& piece) {
  const WordMatcher match = find_word_matcher(kGpt2Expression);
  while (!text.empty()) {
    const std::string_view valid = text.substr(0, find_invalid_utf8(text));
    for (size_t begin = 0; begin < valid.size();) {
      const size_t end = match(valid, begin);
      piece(valid.substr(begin, end - begin));
      begin = end;
    }
    text.remove_prefix(valid.size());
    if (text.empty()) return;
    piece(text.substr(0, 1));
    text.remove_prefix(1);
  }
}

}  // namespace pgtrain
