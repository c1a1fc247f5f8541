#include "similarity/vocabulary.h"

namespace pgtrain {
namespace {

constexpr size_t kSmallestTable = 64;

// FNV-1a over code points, its high bits folded down.
size_t hash(std::u32string_view word) {
  uint64_t value = 0xCBF29CE484222325ULL;
  for (const char32_t c : word) value = (value ^ c) * 0x100000001B3ULL;
  return static_cast<size_t>(value ^ (value >> 32));
}

}  // namespace

std::u32string_view Vocabulary::word(uint32_t number) const {
  const size_t begin = number == 0 ? 0 : ends_[number - 1];
  return std::u32string_view(letters_).substr(begin, ends_[number] - begin);
}

size_t Vocabulary::find_slot(std::u32string_view text) const {
  const size_t mask = table_.size() - 1;
  size_t slot = hash(text) & mask;
  while (table_[slot] != 0 && word(table_[slot] - 1) != text) slot = (slot + 1) & mask;
  return slot;
}

void Vocabulary::grow() {
  table_.assign(table_.empty() ? kSmallestTable : 2 * table_.size(), 0);
  for (uint32_t number = 0; number < size(); ++number) table_[find_slot(word(number))] = number + 1;
}

uint32_t Vocabulary::add(std::u32string_view text) {
  if (2 * (ends_.size() + 1) > table_.size()) grow();
  uint32_t& entry = table_[find_slot(text)];
  if (entry == 0) {
    letters_ += text;
    ends_.push_back(letters_.size());
    entry = size();
  }
  return entry - 1;
}

uint32_t Vocabulary::find(std::u32string_view text) const {
  if (table_.empty()) return kUnknown;
  return table_[find_slot(text)] - 1;
}

std::vector<uint32_t> Vocabulary::add(const std::vector<std::u32string_view>& words) {
  std::vector<uint32_t> numbers;
  numbers.reserve(words.size());
  for (const auto text : words) numbers.push_back(add(text));
  return numbers;
}

std::vector<uint32_t> Vocabulary::find(const std::vector<std::u32string_view>& words) const {
  std::vector<uint32_t> numbers;
  numbers.reserve(words.size());
  for (const auto text : words) numbers.push_back(find(text));
  return numbers;
}

}  // namespace pgtrain
