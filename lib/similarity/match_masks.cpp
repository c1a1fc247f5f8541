#include "similarity/match_masks.h"

#include <algorithm>

#include "core/error.h"

namespace pgtrain {
namespace {

// Spreads the bits of a letter over a table of a power of two.
size_t hash_slot(char32_t letter, size_t mask) {
  return static_cast<size_t>((uint64_t{letter} * 0x9E3779B97F4A7C15ULL) >> 32) & mask;
}

uint64_t bit_of(size_t i) { return uint64_t{1} << (i % kMaskBits); }

}  // namespace

LetterNumbers::LetterNumbers(std::u32string_view text) {
  const auto high = static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char32_t c) { return c >= kDirect; }));
  if (high == 0) return;
  size_t size = 8;
  while (size < 2 * high) size *= 2;
  slots_.resize(size);
}

size_t LetterNumbers::find_slot(char32_t letter) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = hash_slot(letter, mask);
  while (slots_[slot].number != kAbsent && slots_[slot].letter != letter) slot = (slot + 1) & mask;
  return slot;
}

uint32_t LetterNumbers::add(char32_t letter) {
  if (letter < kDirect) return letter;
  Slot& slot = slots_[find_slot(letter)];
  if (slot.number == kAbsent) slot = {letter, limit_++};
  return slot.number;
}

MatchMasks::MatchMasks(std::u32string_view text)
    : numbers_(text), blocks_(mask_blocks(text.size())) {
  PG_CHECK(text.size() <= kMaxLetters, "{} letters", text.size());
  if (!numbers_.is_direct())
    for (const char32_t letter : text) numbers_.add(letter);
  masks_.resize(numbers_.limit() * blocks_);
  uint64_t* masks = masks_.data();
  for (size_t b = 0; b < blocks_; ++b) {
    const auto part = text.substr(b * kMaskBits, kMaskBits);
    uint64_t bit = 1;
    for (const char32_t letter : part) {
      masks[numbers_.find(letter) * blocks_ + b] |= bit;
      bit <<= 1;
    }
  }
}

std::vector<MatchMasks> make_match_masks(std::u32string_view text) {
  std::vector<MatchMasks> parts;
  parts.reserve((text.size() + MatchMasks::kMaxLetters - 1) / MatchMasks::kMaxLetters);
  for (size_t i = 0; i < text.size(); i += MatchMasks::kMaxLetters)
    parts.emplace_back(text.substr(i, MatchMasks::kMaxLetters));
  return parts;
}

WordMasks::WordMasks(std::u32string_view text) {
  PG_CHECK(text.size() <= kMaskBits, "{} letters", text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t letter = text[i];
    if (letter < LetterNumbers::kDirect) {
      low_[letter] |= bit_of(i);
      continue;
    }
    if (!has_high_) high_.fill(0);
    has_high_ = true;
    const size_t slot = find_slot(letter);
    letters_[slot] = letter;
    high_[slot] |= bit_of(i);
  }
}

size_t WordMasks::find_slot(char32_t letter) const {
  size_t slot = hash_slot(letter, kSlots - 1);
  while (high_[slot] != 0 && letters_[slot] != letter) slot = (slot + 1) % kSlots;
  return slot;
}

}  // namespace pgtrain
