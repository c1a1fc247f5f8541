// Translation edit rate (Snover et al. 2006) as sacreBLEU 2.6 computes it after Tercom: the least
// number of insertions, deletions, substitutions and shifts of word sequences found by a greedy
// search, in percent of the mean length of the references; above 100 when the hypothesis is much
// longer. Lower is better. Of several references the one with the fewest edits counts.
//
// The search's limits are part of the definition: shifts of at most 10 words by at most 50 places,
// 1,000 candidates, and an edit distance inside a beam of 25 around the diagonal.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "similarity/bleu_tokenizer.h"
#include "similarity/vocabulary.h"

namespace pgtrain {

struct TerStatistics {
  int64_t edits = 0;
  double reference_length = 0;  // mean over the references; sums over a corpus
};
// 100 edits / reference_length; without reference words 100 for any edit, 0 for none.
double ter_score(const TerStatistics& statistics);

// The references of one segment, analysed once. At least one. Const members may be called from
// several threads.
class Ter {
 public:
  Ter(const TerTokenizerOptions& options, const std::vector<std::u32string_view>& references);

  TerStatistics statistics(std::u32string_view hypothesis) const;
  double score(std::u32string_view hypothesis) const { return ter_score(statistics(hypothesis)); }

 private:
  TerTokenizerOptions options_;
  Vocabulary vocabulary_;                          // of the words of all references
  std::vector<std::vector<uint32_t>> references_;  // words of each
};

// Edits that turn the words of the hypothesis into those of the reference; a hypothesis without a
// reference costs its length.
int64_t translation_edits(const std::vector<uint32_t>& hypothesis,
                          const std::vector<uint32_t>& reference);

}  // namespace pgtrain
