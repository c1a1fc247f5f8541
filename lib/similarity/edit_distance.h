// Edit distances and similarities over code points, with the definitions of RapidFuzz 3. With n and
// m code points in reference and hypothesis and L the length of their longest common subsequence:
//   kind          distance: least number of ...                                   largest distance
//   kLevenshtein  insertions, deletions, substitutions                            max(n, m)
//   kIndel        insertions, deletions; = n + m - 2 L                            n + m
//   kLcs          = max(n, m) - L                                                 max(n, m)
//   kOsa          as Levenshtein, and swaps of two neighbours; no part is edited
//                 twice (optimal string alignment)                                max(n, m)
//   kDamerau      as Levenshtein, and swaps of two neighbours without that limit  max(n, m)
// similarity = 1 - distance / largest distance, in [0, 1]; 1 when both texts are empty.
//
// Levenshtein, OSA and LCS are bit-parallel: O(ceil(n / 64) m) steps (Myers, JACM 46(3), 1999;
// Hyyro, "A bit-vector algorithm for computing Levenshtein and Damerau edit distances", Nordic J.
// Comput. 10, 2003; Hyyro, "Bit-parallel LCS-length computation revisited", AWOCA 2004). Damerau is
// O(n m) with rows only (Zhao and Sahni, BMC Bioinformatics 20(11), 2019).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "similarity/match_masks.h"

namespace pgtrain {

enum class EditKind { kLevenshtein, kIndel, kLcs, kOsa, kDamerau };

// A reference prepared once and compared with many hypotheses. Memory: at most 1 KiB and
// 112 bytes for each code point; a comparison takes 32 bytes for each 64 code points of the
// reference, Damerau 72 for each of the hypothesis. Const members may be called from several
// threads.
class EditDistance {
 public:
  EditDistance(EditKind kind, std::u32string_view reference);

  int64_t distance(std::u32string_view hypothesis) const;
  double similarity(std::u32string_view hypothesis) const;

 private:
  template <bool kSwaps>
  int64_t alignment_distance(std::u32string_view hypothesis) const;
  int64_t lcs_length(std::u32string_view hypothesis) const;
  int64_t damerau_distance(std::u32string_view hypothesis) const;

  EditKind kind_;
  int64_t length_;
  std::vector<MatchMasks> masks_;     // of the parts of the reference; none for kDamerau
  std::u32string damerau_reference_;  // kDamerau only
};

// The distance of two texts that are compared once: faster than preparing one of them.
int64_t edit_distance(EditKind kind, std::u32string_view a, std::u32string_view b);

// One more letter of the other text in Hyyro's LCS: `state` holds mask_blocks(length) words for the
// text of `masks`, at first all ones; afterwards a bit is 0 where the length of the longest common
// subsequence with the beginning up to that bit is one more than up to the bit before it.
void add_lcs_letter(const std::vector<MatchMasks>& masks, char32_t letter, uint64_t* state);

// Length of the longest common beginning.
int64_t common_prefix_length(std::u32string_view a, std::u32string_view b);
// common_prefix_length / max length; 1 when both are empty.
double prefix_similarity(std::u32string_view reference, std::u32string_view hypothesis);
// 1 when the texts are equal code point by code point, else 0.
double exact_match(std::u32string_view reference, std::u32string_view hypothesis);

}  // namespace pgtrain
