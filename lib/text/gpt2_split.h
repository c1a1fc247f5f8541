// The pieces that GPT-2's byte-level BPE never merges across: the matches of
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// (text/word_patterns.h).
#pragma once

#include <functional>
#include <string_view>

namespace pgtrain {

// Calls `piece` with each match, in order; together they are the text. A byte that is not UTF-8 is
// a piece by itself.
void gpt2_split(std::string_view text, const std::function<void(std::string_view)>& piece);

}  // namespace pgtrain
