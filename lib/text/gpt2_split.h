// The pieces that GPT-2's byte-level BPE never merges across: the matches of
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// by hand, with the character properties of ICU. \s is Unicode White_Space.
#pragma once

#include <functional>
#include <string_view>

namespace pgtrain {

// Calls `piece` with each match, in order; together they are the text. Bytes that are not UTF-8
// count as one symbol each.
void gpt2_split(std::string_view text, const std::function<void(std::string_view)>& piece);

}  // namespace pgtrain
