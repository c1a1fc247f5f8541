// Added tokens of tokenizer.json: texts that are found before the model sees any and become one id.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/byte_trie.h"
#include "text/json_view.h"
#include "text/normalizer.h"
#include "text/token_vocabulary.h"

namespace pgtrain {

struct AddedToken {
  std::string content;
  int64_t id = -1;
  bool single_word = false;  // found only where no word character (\w) is next to it
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // and after it
  bool normalized = false;   // is normalized and looked for in normalized text
  bool special = false;      // decoding leaves it out
  std::string written;       // what is looked for, and what decoders are given
};

// "added_tokens": the id of a token that the model's vocabulary has must be the same there, and
// another token must not have the id of one of the model. Throws DataError. `normalizer` may be
// nullptr.
std::vector<AddedToken> read_added_tokens(const JsonView& json, const TokenVocabulary& model,
                                          const Normalizer* normalizer);

// Part [begin, end) of a text: an added token, or text between them (id -1).
struct TokenPart {
  size_t begin;
  size_t end;
  int64_t id;
};

// Finds the tokens of one kind, normalized or not: the leftmost, and of these the longest.
class AddedTokenFinder {
 public:
  AddedTokenFinder(const std::vector<AddedToken>& tokens, bool normalized);

  // Parts that cover the text; with `skip_special` special tokens are ordinary text.
  std::vector<TokenPart> split(std::string_view text, bool skip_special) const;

 private:
  const AddedToken* longest_at(std::string_view text, size_t at, size_t& length) const;

  std::vector<AddedToken> tokens_;
  ByteTrie trie_;
  std::array<bool, 256> is_first_byte_{};
};

}  // namespace pgtrain
