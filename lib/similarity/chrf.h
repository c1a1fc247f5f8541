// chrF and chrF++ (Popovic 2015, 2017) as sacreBLEU 2.6 computes them, from 0 to 100.
//
// For each order of character n-grams (1..char_order) and word n-grams (1..word_order) the
// precision P_i = match / hypothesis and recall R_i = match / reference of clipped n-gram counts.
// Then, over the orders that both texts have, with P and R the means:
//   score = 100 (1 + beta^2) P R / (beta^2 P + R)
// With eps_smoothing instead: the mean over all orders of F_beta(P_i, R_i), a missing P_i or R_i
// being 1e-16 (as chrF++.py, NLTK and Moses). Of several references the one with the best F counts.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "similarity/ngram_counts.h"
#include "similarity/vocabulary.h"

namespace pgtrain {

struct ChrfOptions {
  int64_t char_order = 6;
  int64_t word_order = 0;  // 2 = chrF++
  double beta = 2;         // how many times more recall matters than precision
  bool lowercase = false;
  bool whitespace = false;  // white space counts in character n-grams
  bool eps_smoothing = false;
};

// [hypothesis, reference, match] for each order, characters first; the sums over a corpus.
using ChrfStatistics = std::vector<int64_t>;
double chrf_score(const ChrfOptions& options, const ChrfStatistics& statistics);

// The references of one segment, analysed once. At least one. Const members may be called from
// several threads.
class Chrf {
 public:
  Chrf(const ChrfOptions& options, const std::vector<std::u32string_view>& references);

  ChrfStatistics statistics(std::u32string_view hypothesis) const;
  double score(std::u32string_view hypothesis) const {
    return chrf_score(options_, statistics(hypothesis));
  }

 private:
  struct Reference {
    NgramCounts characters;
    NgramCounts words;
    size_t num_characters;
    size_t num_words;
  };
  std::vector<uint32_t> characters_of(std::u32string_view text) const;

  ChrfOptions options_;
  Vocabulary vocabulary_;  // of the words of all references
  std::vector<Reference> references_;
};

}  // namespace pgtrain
