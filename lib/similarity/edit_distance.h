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

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pgtrain {

enum class EditKind { kLevenshtein, kIndel, kLcs, kOsa, kDamerau };

// A reference prepared once and compared with many hypotheses. Memory: 8 bytes x ceil(n / 64) x
// (distinct code points + 1). Const members may be called from several threads.
class EditDistance {
 public:
  EditDistance(EditKind kind, std::u32string_view reference);

  int64_t distance(std::u32string_view hypothesis) const;
  double similarity(std::u32string_view hypothesis) const;

 private:
  // Row of masks_ for a code point; 0, a row of zeros, when the reference lacks it.
  size_t row(char32_t code_point) const;
  // Gives the code point a row if it has none yet.
  uint32_t add_letter(char32_t code_point);
  size_t find_slot(char32_t code_point) const;
  template <bool kSwaps>
  int64_t alignment_distance(std::u32string_view hypothesis) const;
  int64_t lcs_length(std::u32string_view hypothesis) const;
  int64_t damerau_distance(std::u32string_view hypothesis) const;

  struct Slot {
    char32_t code_point = 0;
    uint32_t row = 0;  // 0 = free
  };

  EditKind kind_;
  int64_t length_;
  size_t blocks_;                         // 64-bit words in a mask
  std::array<uint32_t, 256> low_rows_{};  // rows of the code points below 256
  std::vector<Slot> slots_;  // open addressing for the others; a power of two, at most half full
  std::vector<uint32_t> reference_rows_;  // row of each code point of the reference
  // [row][block]: bit i of block b says that reference[64 b + i] is the row's code point.
  std::vector<uint64_t> masks_;
  uint32_t rows_ = 1;
};

// Length of the longest common beginning.
int64_t common_prefix_length(std::u32string_view a, std::u32string_view b);
// common_prefix_length / max length; 1 when both are empty.
double prefix_similarity(std::u32string_view reference, std::u32string_view hypothesis);
// 1 when the texts are equal code point by code point, else 0.
double exact_match(std::u32string_view reference, std::u32string_view hypothesis);

}  // namespace pgtrain
