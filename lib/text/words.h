// Cuts text into the pieces of the word tokenizer (the rule is in text/tokenizer.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgtrain {

struct WordPiece {
  std::string text;   // UTF-8, without white space
  bool is_word;       // a run of letters and digits; else a symbol of one code point
  bool space_before;  // white space came before it
};

// Throws DataError with the byte offset when the text is not valid UTF-8.
std::vector<WordPiece> split_words(std::string_view text);

}  // namespace pgtrain
