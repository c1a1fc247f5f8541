#include "similarity/edit_distance.h"

#include <algorithm>

#include "core/error.h"

namespace pgtrain {
namespace {

constexpr size_t kWordBits = 64;
constexpr uint64_t kAllOnes = ~uint64_t{0};

int64_t length_of(std::u32string_view text) { return static_cast<int64_t>(text.size()); }

// 1 - distance / largest, as RapidFuzz rounds it.
double similarity_from(int64_t distance, int64_t largest) {
  if (largest == 0) return 1.0;
  return 1.0 - static_cast<double>(distance) / static_cast<double>(largest);
}

// Spreads the bits of a code point over a table of a power of two.
size_t hash_slot(char32_t code_point, size_t mask) {
  return static_cast<size_t>((uint64_t{code_point} * 0x9E3779B97F4A7C15ULL) >> 32) & mask;
}

size_t table_size(size_t entries) {
  size_t size = 8;
  while (size < 2 * entries) size *= 2;
  return size;
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

}  // namespace

EditDistance::EditDistance(EditKind kind, std::u32string_view reference)
    : kind_(kind),
      length_(length_of(reference)),
      blocks_((reference.size() + kWordBits - 1) / kWordBits) {
  const auto high = static_cast<size_t>(
      std::count_if(reference.begin(), reference.end(), [](char32_t c) { return c >= 256; }));
  if (high > 0) slots_.resize(table_size(high));
  reference_rows_.reserve(reference.size());
  for (char32_t c : reference) reference_rows_.push_back(add_letter(c));
  if (kind_ == EditKind::kDamerau) return;
  masks_.assign(rows_ * blocks_, 0);
  for (size_t i = 0; i < reference.size(); ++i)
    masks_[reference_rows_[i] * blocks_ + i / kWordBits] |= uint64_t{1} << (i % kWordBits);
}

uint32_t EditDistance::add_letter(char32_t code_point) {
  uint32_t* entry = &low_rows_[code_point & 0xFF];
  if (code_point >= 256) {
    Slot& slot = slots_[find_slot(code_point)];
    slot.code_point = code_point;
    entry = &slot.row;
  }
  if (*entry == 0) *entry = rows_++;
  return *entry;
}

size_t EditDistance::find_slot(char32_t code_point) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = hash_slot(code_point, mask);
  while (slots_[slot].row != 0 && slots_[slot].code_point != code_point) slot = (slot + 1) & mask;
  return slot;
}

size_t EditDistance::row(char32_t code_point) const {
  if (code_point < 256) return low_rows_[code_point];
  return slots_.empty() ? 0 : slots_[find_slot(code_point)].row;
}

// Walks over the hypothesis one column at a time and over the blocks of the reference inside it.
// The carries are the horizontal differences that leave a block at its last row and enter the next
// one; into the first block enters +1, because row 0 of column j is j. kSwaps adds the
// transposition term of Hyyro 2003, section 5: rows where the previous column had the match that
// this row would swap with.
template <bool kSwaps>
int64_t EditDistance::alignment_distance(std::u32string_view hypothesis) const {
  if (length_ == 0) return length_of(hypothesis);
  const uint64_t last_bit = uint64_t{1} << (static_cast<size_t>(length_ - 1) % kWordBits);
  std::vector<Block> column(blocks_);
  int64_t distance = length_;
  for (char32_t c : hypothesis) {
    const uint64_t* match = &masks_[row(c) * blocks_];
    uint64_t carry_plus = 1;
    uint64_t carry_minus = 0;
    uint64_t swap_carry =
        0;  // from the block above: last row of (not d0 of the previous column) and match
    for (size_t b = 0; b < blocks_; ++b) {
      Block& block = column[b];
      const uint64_t x = match[b] | carry_minus;
      uint64_t d0 = (((x & block.vp) + block.vp) ^ block.vp) | x | block.vn;
      if (kSwaps) {
        const uint64_t candidates = ~block.d0 & match[b];
        d0 |= ((candidates << 1) | swap_carry) & block.match;
        swap_carry = candidates >> (kWordBits - 1);
      }
      uint64_t plus = block.vn | ~(d0 | block.vp);
      uint64_t minus = d0 & block.vp;
      if (b + 1 == blocks_) {
        distance += (plus & last_bit) != 0;
        distance -= (minus & last_bit) != 0;
      }
      const uint64_t plus_out = plus >> (kWordBits - 1);
      const uint64_t minus_out = minus >> (kWordBits - 1);
      plus = (plus << 1) | carry_plus;
      minus = (minus << 1) | carry_minus;
      carry_plus = plus_out;
      carry_minus = minus_out;
      block = {minus | ~(d0 | plus), plus & d0, d0, match[b]};
    }
  }
  return distance;
}

// Zero bits of `state` mark the rows where the length grows (Hyyro 2004); the sum carries from
// block to block.
int64_t EditDistance::lcs_length(std::u32string_view hypothesis) const {
  std::vector<uint64_t> state(blocks_, kAllOnes);
  for (char32_t c : hypothesis) {
    const uint64_t* match = masks_.data() + row(c) * blocks_;
    uint64_t carry = 0;
    for (size_t b = 0; b < blocks_; ++b) {
      const uint64_t matched = state[b] & match[b];
      const uint64_t partial = state[b] + carry;
      const uint64_t sum = partial + matched;
      carry = (partial < carry) | (sum < matched);
      state[b] = sum | (state[b] - matched);
    }
  }
  int64_t length = 0;
  for (uint64_t word : state) length += __builtin_popcountll(~word);
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
  std::vector<size_t> letters(hypothesis.size());
  for (size_t j = 0; j < letters.size(); ++j) letters[j] = row(hypothesis[j]);
  std::vector<int64_t> last_row(rows_, -1);  // last row seen with that letter
  std::vector<int64_t> above(letters.size() + 1);
  std::vector<int64_t> current(letters.size() + 1);
  std::vector<int64_t> saved(letters.size() + 1,
                             infinite);  // H(k-1, j-2), k the last row that matched column j
  for (int64_t j = 0; j <= columns; ++j) current[at(j)] = j;

  for (int64_t i = 1; i <= length_; ++i) {
    const size_t letter = reference_rows_[at(i - 1)];
    std::swap(above, current);
    // `current` held row i - 2 until now; its values are read one column late, just before they are
    // overwritten.
    int64_t two_above = current[0];
    current[0] = i;
    int64_t last_column = -1;
    int64_t saved_left = infinite;  // H(i-2, l-1), l the last column that matched row i
    for (int64_t j = 1; j <= columns; ++j) {
      const size_t other = letters[at(j - 1)];
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
      return length_ + other - 2 * lcs_length(hypothesis);
    case EditKind::kLcs:
      return std::max(length_, other) - lcs_length(hypothesis);
    case EditKind::kDamerau:
      return damerau_distance(hypothesis);
  }
  throw InternalError("EditDistance: unknown kind");
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
