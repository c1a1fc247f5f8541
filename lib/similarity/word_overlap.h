// Measures on sets of words: the answers' metrics of SQuAD, and the variety of a text.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "similarity/vocabulary.h"

namespace pgtrain {

// A reference as SQuAD's evaluation script (Rajpurkar et al. 2016) sees it: in lower case, without
// ASCII punctuation and the articles a, an, the, split at white space. Const members may be called
// from several threads.
class SquadReference {
 public:
  explicit SquadReference(std::u32string_view reference);

  // F1 of the words as multisets; when either text has none: 1 if both have none, else 0.
  double token_f1(std::u32string_view hypothesis) const;
  // 1 when the words are the same in the same order, else 0.
  double exact_match(std::u32string_view hypothesis) const;

 private:
  Vocabulary vocabulary_;
  std::vector<uint32_t> words_;
  std::vector<int64_t> counts_;  // of each word of the vocabulary
};

// distinct-n (Li et al. 2016, there over all n-grams of a corpus): n-grams of words that differ
// over all n-grams of the text, in [0, 1]; 1 for a text of fewer than n words. Words are separated
// by white space, each Chinese character being a word (BleuTokenizer::kZh).
double distinct_ngrams(std::u32string_view text, size_t order);

}  // namespace pgtrain
