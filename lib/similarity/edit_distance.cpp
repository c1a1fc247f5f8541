#include "similarity/edit_distance.h"

#include <algorithm>
#include <array>

#include "core/error.h"

namespace pgtrain {
namespace {

constexpr uint64_t kAllOnes = ~uint64_t{0};

int64_t length_of(std::u32string_view text) { return static_cast<int64_t>(text.size()); }

// 1 - distance / largest, as RapidFuzz rounds it.
double similarity_from(int64_t distance, int64_t largest) {
  if (largest == 0) return 1.0;
  return 1.0 - static_cast<double>(distance) / static_cast<double>(largest);
}

// One 64-row block of one column of the dynamic-programming matrix (Hyyro 2003): bit i of vp / vn
// says that the distance of row i is one more / one less than that of row i - 1. d0 (diagonal step
// costs nothing) and match are kept for the swaps of the next column.
struct Block {
  uint64_t vp = kAllOnes;
  uint64_t vn = 0;
  uint64_t d0 = 0;
  uint64_t match = 0;
};

// What a block hands to the one below: the horizontal differences at its last row, and the last row
// of (not d0 of the previous column) and match. Into the first block enters +1, because row 0 of
// column j is j. plus and minus: the differences at each row of the last block.
struct Carry {
  uint64_t plus_in = 1;
  uint64_t minus_in = 0;
  uint64_t swap_in = 0;
  uint64_t plus = 0;
  uint64_t minus = 0;
};

// The next column of a block. kSwaps adds the transposition term of Hyyro 2003, section 5: rows
// where the previous column had the match that this row would swap with.
template <bool kSwaps>
inline void advance(Block& block, uint64_t match, Carry& carry) {
  const uint64_t x = match | carry.minus_in;
  uint64_t d0 = (((x & block.vp) + block.vp) ^ block.vp) | x | block.vn;
  if (kSwaps) {
    const uint64_t candidates = ~block.d0 & match;
    d0 |= ((candidates << 1) | carry.swap_in) & block.match;
    carry.swap_in = candidates >> (kMaskBits - 1);
    block.d0 = d0;
    block.match = match;
  }
  carry.plus = block.vn | ~(d0 | block.vp);
  carry.minus = d0 & block.vp;
  const uint64_t plus = (carry.plus << 1) | carry.plus_in;
  const uint64_t minus = (carry.minus << 1) | carry.minus_in;
  carry.plus_in = carry.plus >> (kMaskBits - 1);
  carry.minus_in = carry.minus >> (kMaskBits - 1);
  block.vp = minus | ~(d0 | plus);
  block.vn = plus & d0;
}

// By how much the last of `length` rows grows with this column.
int64_t growth(const Carry& carry, int64_t length) {
  const auto last_row = static_cast<uint64_t>(length - 1) % kMaskBits;
  return static_cast<int64_t>((carry.plus >> last_row) & 1) -
         static_cast<int64_t>((carry.minus >> last_row) & 1);
}

inline void advance_lcs(uint64_t& state, uint64_t match, uint64_t& carry) {
  const uint64_t matched = state & match;
  uint64_t partial = 0;
  uint64_t sum = 0;
  const bool first = __builtin_add_overflow(state, matched, &partial);
  const bool second = __builtin_add_overflow(partial, carry, &sum);
  carry = first | second;
  state = sum | (state & ~match);
}

int64_t count_zeros(uint64_t word) { return __builtin_popcountll(~word); }

// Of a text of at most 64 code points with another one.
template <bool kSwaps>
int64_t word_alignment_distance(std::u32string_view word, std::u32string_view other) {
  const WordMasks masks(word);
  const int64_t length = length_of(word);
  int64_t distance = length;
  Block block;
  for (const char32_t c : other) {
    Carry carry;
    advance<kSwaps>(block, masks.find(c), carry);
    distance += growth(carry, length);
  }
  return distance;
}

int64_t word_lcs_length(std::u32string_view word, std::u32string_view other) {
  const WordMasks masks(word);
  uint64_t state = kAllOnes;
  for (const char32_t c : other) {
    uint64_t carry = 0;
    advance_lcs(state, masks.find(c), carry);
  }
  return count_zeros(state);
}

// As EditDistance::lcs_length with the state of so many blocks in registers.
template <size_t kBlocks>
int64_t block_lcs_length(const MatchMasks& masks, std::u32string_view other) {
  std::array<uint64_t, kBlocks> state;
  state.fill(kAllOnes);
  for (const char32_t c : other) {
    const uint64_t* match = masks.find(c);
    uint64_t carry = 0;
    for (size_t b = 0; b < kBlocks; ++b) advance_lcs(state[b], match[b], carry);
  }
  int64_t length = 0;
  for (const uint64_t word : state) length += count_zeros(word);
  return length;
}

int64_t lcs_distance(EditKind kind, int64_t n, int64_t m, int64_t lcs) {
  return kind == EditKind::kIndel ? n + m - 2 * lcs : std::max(n, m) - lcs;
}

// Takes away the common beginning and end, which no cheapest alignment has to touch.
void trim_common_ends(std::u32string_view& a, std::u32string_view& b) {
  const auto first = static_cast<size_t>(common_prefix_length(a, b));
  a.remove_prefix(first);
  b.remove_prefix(first);
  while (!a.empty() && !b.empty() && a.back() == b.back()) {
    a.remove_suffix(1);
    b.remove_suffix(1);
  }
}

}  // namespace

EditDistance::EditDistance(EditKind kind, std::u32string_view reference)
    : kind_(kind), length_(length_of(reference)) {
  if (kind_ == EditKind::kDamerau)
    damerau_reference_ = reference;
  else
    masks_ = make_match_masks(reference);
}

// Walks over the hypothesis one column at a time and over the blocks of the reference inside it.
template <bool kSwaps>
int64_t EditDistance::alignment_distance(std::u32string_view hypothesis) const {
  if (length_ == 0) return length_of(hypothesis);
  std::vector<Block> column(mask_blocks(static_cast<size_t>(length_)));
  int64_t distance = length_;
  for (const char32_t c : hypothesis) {
    Carry carry;
    Block* block = column.data();
    for (const MatchMasks& part : masks_) {
      const uint64_t* match = part.find(c);
      for (size_t b = 0; b < part.blocks(); ++b) advance<kSwaps>(*block++, match[b], carry);
    }
    distance += growth(carry, length_);
  }
  return distance;
}

void add_lcs_letter(const std::vector<MatchMasks>& masks, char32_t letter, uint64_t* state) {
  uint64_t carry = 0;
  for (const MatchMasks& part : masks) {
    const uint64_t* match = part.find(letter);
    for (size_t b = 0; b < part.blocks(); ++b) advance_lcs(*state++, match[b], carry);
  }
}

int64_t EditDistance::lcs_length(std::u32string_view hypothesis) const {
  using Function = int64_t (*)(const MatchMasks&, std::u32string_view);
  static constexpr std::array<Function, 8> kUnrolled = {
      block_lcs_length<1>, block_lcs_length<2>, block_lcs_length<3>, block_lcs_length<4>,
      block_lcs_length<5>, block_lcs_length<6>, block_lcs_length<7>, block_lcs_length<8>};
  static_assert(kUnrolled.size() * kMaskBits == MatchMasks::kMaxLetters);
  if (masks_.size() == 1) return kUnrolled[masks_.front().blocks() - 1](masks_.front(), hypothesis);

  std::vector<uint64_t> state(mask_blocks(static_cast<size_t>(length_)), kAllOnes);
  for (const char32_t c : hypothesis) add_lcs_letter(masks_, c, state.data());
  int64_t length = 0;
  for (const uint64_t word : state) length += count_zeros(word);
  return length;
}

// Rows are the reference, columns the hypothesis. H is the distance of beginnings. A swap that ends
// in (i, j) pairs row k < i and column l < j, the last ones with reference[k] = hypothesis[j] and
// reference[i] = hypothesis[l], and costs H(k-1, l-1) + (i-k-1) + 1 + (j-l-1). Zhao and Sahni show
// that only l = j - 1 or k = i - 1 can be best, so that two rows of H and one saved value for each
// column are enough.
int64_t EditDistance::damerau_distance(std::u32string_view hypothesis) const {
  const int64_t columns = length_of(hypothesis);
  const int64_t infinite = std::max(length_, columns) + 1;
  const auto at = [](int64_t i) { return static_cast<size_t>(i); };
  LetterNumbers numbers(hypothesis);
  std::vector<uint32_t> letters(hypothesis.size());
  for (size_t j = 0; j < letters.size(); ++j) letters[j] = numbers.add(hypothesis[j]);
  std::vector<int64_t> last_row(numbers.limit(), -1);  // last row seen with that letter
  std::vector<int64_t> above(letters.size() + 1);
  std::vector<int64_t> current(letters.size() + 1);
  std::vector<int64_t> saved(letters.size() + 1,
                             infinite);  // H(k-1, j-2), k the last row that matched column j
  for (int64_t j = 0; j <= columns; ++j) current[at(j)] = j;

  for (int64_t i = 1; i <= length_; ++i) {
    const uint32_t letter = numbers.find(damerau_reference_[at(i - 1)]);
    std::swap(above, current);
    // `current` held row i - 2 until now; its values are read one column late, just before they are
    // overwritten.
    int64_t two_above = current[0];
    current[0] = i;
    int64_t last_column = -1;
    int64_t saved_left = infinite;  // H(i-2, l-1), l the last column that matched row i
    for (int64_t j = 1; j <= columns; ++j) {
      const uint32_t other = letters[at(j - 1)];
      int64_t best = std::min(
          {above[at(j - 1)] + (letter != other), current[at(j - 1)] + 1, above[at(j)] + 1});
      if (letter == other) {
        last_column = j;
        saved[at(j)] = j >= 2 ? above[at(j - 2)] : infinite;
        saved_left = two_above;
      } else if (j - last_column == 1) {
        best = std::min(best, saved[at(j)] + (i - last_row[other]));
      } else if (i - last_row[other] == 1) {
        best = std::min(best, saved_left + (j - last_column));
      }
      two_above = current[at(j)];
      current[at(j)] = best;
    }
    last_row[letter] = i;
  }
  return current[at(columns)];
}

int64_t EditDistance::distance(std::u32string_view hypothesis) const {
  const int64_t other = length_of(hypothesis);
  switch (kind_) {
    case EditKind::kLevenshtein:
      return alignment_distance<false>(hypothesis);
    case EditKind::kOsa:
      return alignment_distance<true>(hypothesis);
    case EditKind::kIndel:
    case EditKind::kLcs:
      return lcs_distance(kind_, length_, other, lcs_length(hypothesis));
    case EditKind::kDamerau:
      return damerau_distance(hypothesis);
  }
  throw InternalError("EditDistance: unknown kind");
}

int64_t edit_distance(EditKind kind, std::u32string_view a, std::u32string_view b) {
  trim_common_ends(a, b);
  if (a.size() > b.size()) std::swap(a, b);
  if (a.empty()) return length_of(b);
  if (a.size() > kMaskBits || kind == EditKind::kDamerau) return EditDistance(kind, a).distance(b);
  if (kind == EditKind::kLevenshtein) return word_alignment_distance<false>(a, b);
  if (kind == EditKind::kOsa) return word_alignment_distance<true>(a, b);
  return lcs_distance(kind, length_of(a), length_of(b), word_lcs_length(a, b));
}

double EditDistance::similarity(std::u32string_view hypothesis) const {
  const int64_t other = length_of(hypothesis);
  const int64_t largest = kind_ == EditKind::kIndel ? length_ + other : std::max(length_, other);
  return similarity_from(distance(hypothesis), largest);
}

int64_t common_prefix_length(std::u32string_view a, std::u32string_view b) {
  const size_t shorter = std::min(a.size(), b.size());
  size_t length = 0;
  while (length < shorter && a[length] == b[length]) ++length;
  return static_cast<int64_t>(length);
}

double prefix_similarity(std::u32string_view reference, std::u32string_view hypothesis) {
  const int64_t largest = std::max(length_of(reference), length_of(hypothesis));
  return similarity_from(largest - common_prefix_length(reference, hypothesis), largest);
}

double exact_match(std::u32string_view reference, std::u32string_view hypothesis) {
  return reference == hypothesis ? 1.0 : 0.0;
}

}  // namespace pgtrain
