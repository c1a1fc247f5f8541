// Direct matchers of the expressions that cut text into words in nearly all byte-level tokenizers.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pgtrain {

extern const char* const kGpt2Expression;
extern const char* const kLlama3Expression;  // up to three digits in one piece
extern const char* const kQwen2Expression;   // the same with single digits

// The end of the match that begins at `at` < text.size(); the expressions match everywhere.
using WordMatcher = size_t (*)(std::string_view text, size_t at);

// The matcher of an expression; nullptr when there is none.
WordMatcher find_word_matcher(const std::string& expression);

}  // namespace pgtrain
