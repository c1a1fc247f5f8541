// ROUGE (Lin 2004) as rouge_score 0.1.2 computes it: precision, recall and F1 from 0 to 1.
//
// Words are the runs of a-z and 0-9 after lower-casing, so TEXT IN OTHER SCRIPTS HAS NO WORDS and
// scores 0. With the stemmer, words of more than three letters are replaced by their stem.
//   kNgram  clipped matches of n-grams (ROUGE-1, -2, ...)
//   kLcs    longest common subsequence of the whole texts (ROUGE-L)
//   kLsum   for each line of the reference the union of its longest common subsequences with the
//           lines of the hypothesis; a word counts at most as often as in either text (ROUGE-Lsum)
// Of several references the first one with the best F1 counts.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "similarity/edit_distance.h"
#include "similarity/ngram_counts.h"
#include "similarity/vocabulary.h"

namespace pgtrain {

enum class RougeKind { kNgram, kLcs, kLsum };

struct RougeOptions {
  RougeKind kind = RougeKind::kLcs;
  int64_t order = 1;  // n of kNgram
  bool use_stemmer = false;
};

struct RougeScore {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

// The references of one segment, analysed once. At least one. Const members may be called from
// several threads.
class Rouge {
 public:
  Rouge(const RougeOptions& options, const std::vector<std::u32string_view>& references);

  RougeScore score(std::u32string_view hypothesis) const;

  // Whether a text has letters or digits of which none belongs to a word: the metric is blind to
  // it.
  static bool is_blind_to(std::u32string_view text);

 private:
  using Words = std::vector<uint32_t>;
  struct Reference {
    size_t length = 0;                  // words
    NgramCounts ngrams{0};              // kNgram
    std::unique_ptr<EditDistance> lcs;  // kLcs, over the words' numbers
    std::vector<Words> lines;           // kLsum
  };
  RougeScore score_one(const Reference& reference, const Words& words) const;
  RougeScore score_lines(const Reference& reference, const std::vector<Words>& lines) const;

  RougeOptions options_;
  Vocabulary vocabulary_;  // of the words of all references
  std::vector<Reference> references_;
};

}  // namespace pgtrain
