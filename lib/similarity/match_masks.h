// Where each letter of a text stands, as bits: what the bit-parallel edit distances are made of. A
// letter is any 32-bit number: a code point, a word's number.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace pgtrain {

constexpr size_t kMaskBits = 64;

inline size_t mask_blocks(size_t letters) { return (letters + kMaskBits - 1) / kMaskBits; }

// Numbers for letters: those below kDirect are their own number, kAbsent stands for all letters
// that were not added, the others count on from there. Memory: 32 bytes at most for each letter
// from kDirect on.
class LetterNumbers {
 public:
  static constexpr char32_t kDirect = 128;  // ASCII
  static constexpr uint32_t kAbsent = 128;

  // Room for the letters of `text`; none is added.
  explicit LetterNumbers(std::u32string_view text);

  uint32_t add(char32_t letter);
  uint32_t find(char32_t letter) const {
    if (letter < kDirect) return letter;
    return slots_.empty() ? kAbsent : slots_[find_slot(letter)].number;
  }
  // Whether there is room for direct letters only.
  bool is_direct() const { return slots_.empty(); }
  // All numbers are below.
  uint32_t limit() const { return limit_; }

 private:
  struct Slot {
    char32_t letter = 0;
    uint32_t number = kAbsent;  // then it is free
  };
  size_t find_slot(char32_t letter) const;

  std::vector<Slot> slots_;  // open addressing; a power of two, at most half full
  uint32_t limit_ = kAbsent + 1;
};

// The masks of at most kMaxLetters letters. Longer texts are cut into several, so that memory is
// linear in the length: at most 1 KiB for the first letters and 112 bytes for each.
class MatchMasks {
 public:
  static constexpr size_t kMaxLetters = 8 * kMaskBits;

  explicit MatchMasks(std::u32string_view text);

  size_t blocks() const { return blocks_; }
  // [blocks()]: bit i of block b says that text[64 b + i] is the letter.
  const uint64_t* find(char32_t letter) const { return &masks_[numbers_.find(letter) * blocks_]; }

 private:
  LetterNumbers numbers_;
  size_t blocks_;
  std::vector<uint64_t> masks_;  // [number of the letter][block]
};

std::vector<MatchMasks> make_match_masks(std::u32string_view text);

// The masks of at most 64 letters without memory from the heap.
class WordMasks {
 public:
  explicit WordMasks(std::u32string_view text);

  uint64_t find(char32_t letter) const {
    if (letter < low_.size()) return low_[letter];
    return has_high_ ? high_[find_slot(letter)] : 0;
  }

 private:
  static constexpr size_t kSlots = 2 * kMaskBits;
  size_t find_slot(char32_t letter) const;

  std::array<uint64_t, LetterNumbers::kDirect> low_{};
  // Open addressing; a mask of 0 = free. Set to 0 only when there is such a letter.
  bool has_high_ = false;
  std::array<uint64_t, kSlots> high_;
  std::array<char32_t, kSlots> letters_;
};

}  // namespace pgtrain
