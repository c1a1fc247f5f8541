// The tokenizers of sacreBLEU 2 (and, through it, of NIST's mteval and of Tercom). Each returns the
// text with spaces put in, so that text/characters.h's split_on_space gives the tokens.
#pragma once

#include <string>
#include <string_view>

namespace pgtrain {

enum class BleuTokenizer {
  k13a,   // mteval-v13a: symbols apart; ". ," apart unless between digits; four XML escapes decoded
  kZh,    // each Chinese character and full-width form apart, then the rules of 13a
  kIntl,  // mteval-v14: all Unicode punctuation apart unless between numbers, all symbols apart
  kChar,  // every character a token
  kNone,  // split at white space only
};

// kZh follows the reference's comparisons to the letter: two of its ranges are written with escapes
// of four digits, so that they mean U+2001..U+2A6D and U+2F81..U+2FA1 and nothing beyond U+FFFF.
std::u32string bleu_tokenize(BleuTokenizer tokenizer, std::u32string_view line);

struct TerTokenizerOptions {
  bool normalized = false;  // decode XML escapes, set punctuation apart
  bool no_punct = false;    // remove . , ? : ; ! " ( )
  bool asian_support =
      false;  // with normalized: CJK characters apart; with no_punct: remove CJK punctuation
  bool case_sensitive = false;
};
// The words, separated by one space each.
std::u32string ter_tokenize(const TerTokenizerOptions& options, std::u32string_view line);

}  // namespace pgtrain
