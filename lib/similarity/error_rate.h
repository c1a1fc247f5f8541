// Word and character error rate as jiwer 4 computes them: the Levenshtein distance of the sequences
// over the length of the reference; above 1 when the hypothesis is much longer. Lower is better.
//   kWord       white space at the ends is dropped and two or more in a row are one space; words
//   are
//               separated by U+0020 alone, so that a single tab does not separate
//   kCharacter  code points, white space at the ends dropped
// jiwer knows one reference; of several the one with the lowest rate counts.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "similarity/edit_distance.h"
#include "similarity/vocabulary.h"

namespace pgtrain {

enum class ErrorUnit { kWord, kCharacter };

struct ErrorStatistics {
  int64_t errors = 0;
  int64_t reference_length = 0;
};
// errors / reference_length; for an empty reference the number of errors.
double error_rate(const ErrorStatistics& statistics);

// The references of one segment, analysed once. At least one. Const members may be called from
// several threads.
class ErrorRate {
 public:
  ErrorRate(ErrorUnit unit, const std::vector<std::u32string_view>& references);

  ErrorStatistics statistics(std::u32string_view hypothesis) const;
  double score(std::u32string_view hypothesis) const { return error_rate(statistics(hypothesis)); }

 private:
  struct Reference {
    int64_t length;
    EditDistance distance;
  };
  ErrorUnit unit_;
  Vocabulary vocabulary_;  // of the words of all references
  std::vector<Reference> references_;
};

}  // namespace pgtrain
