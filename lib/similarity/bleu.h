// BLEU (Papineni et al. 2002) as sacreBLEU 2.6 computes it, from 0 to 100.
//
//   score = BP exp(1/N sum_{n=1..N} log p_n),  p_n = 100 correct_n / total_n
//   BP = 1 when the hypothesis is at least as long as the reference, else exp(1 - ref / hyp); 0 for
//   an empty hypothesis
// correct_n are clipped counts: an n-gram counts at most as often as in the reference where it is
// most frequent. The length of the reference is the one closest to the hypothesis's, the shorter of
// two as close. 0 when no order has a match.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "similarity/bleu_tokenizer.h"
#include "similarity/ngram_counts.h"
#include "similarity/vocabulary.h"

namespace pgtrain {

// What stands in for an order without match (Chen and Cherry 2014): kExp halves a stand-in for one
// match each time (method 3), kFloor counts smooth_value matches (method 1), kAddK adds
// smooth_value to matches and total of every order above 1 (method 2).
enum class BleuSmoothing { kExp, kFloor, kAddK, kNone };

struct BleuOptions {
  BleuTokenizer tokenizer = BleuTokenizer::k13a;
  BleuSmoothing smoothing = BleuSmoothing::kExp;
  double smooth_value = -1;  // below 0 = the usual one: kFloor 0.1, kAddK 1
  int64_t max_order = 4;     // N
  bool lowercase = false;
  bool effective_order =
      true;  // N = the longest n-gram that the hypothesis has: for single sentences
};

// [hypothesis length, reference length, correct_1..N, total_1..N], the sums over a corpus.
using BleuStatistics = std::vector<int64_t>;
double bleu_score(const BleuOptions& options, const BleuStatistics& statistics);

// The references of one segment, analysed once. At least one. Const members may be called from
// several threads.
class Bleu {
 public:
  Bleu(const BleuOptions& options, const std::vector<std::u32string_view>& references);

  BleuStatistics statistics(std::u32string_view hypothesis) const;
  double score(std::u32string_view hypothesis) const {
    return bleu_score(options_, statistics(hypothesis));
  }

 private:
  std::u32string tokenize(std::u32string_view text) const;

  BleuOptions options_;
  Vocabulary vocabulary_;
  NgramCounts ngrams_;
  std::vector<int64_t> lengths_;  // tokens of each reference
};

}  // namespace pgtrain
