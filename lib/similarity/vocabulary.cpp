#include "similarity/vocabulary.h"

#include <algorithm>

namespace pgtrain {
namespace {

constexpr size_t kSmallestTable = 64;

// FNV-1a over code points, its high bits folded down.
uint32_t hash_of(std::u32string_view word) {
  uint64_t value = 0xCBF29CE484222325ULL;
  for (const char32_t c : word) value = (value ^ c) * 0x100000001B3ULL;
  return static_cast<uint32_t>(value ^ (value >> 32));
}

// std::equal compares memory, the operator == of views letter by letter.
bool same(std::u32string_view a, std::u32string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

}  // namespace

std::u32string_view Vocabulary::word(uint32_t number) const {
  const size_t begin = number == 0 ? 0 : ends_[number - 1];
  return std::u32string_view(letters_).substr(begin, ends_[number] - begin);
}

size_t Vocabulary::find_slot(std::u32string_view text, uint32_t hash) const {
  const size_t mask = table_.size() - 1;
  size_t slot = hash & mask;
  while (table_[slot].after != 0 &&
         !(table_[slot].hash == hash && same(word(table_[slot].after - 1), text)))
    slot = (slot + 1) & mask;
  return slot;
}

void Vocabulary::grow() {
  std::vector<Entry> old(table_.empty() ? kSmallestTable : 2 * table_.size());
  old.swap(table_);
  const size_t mask = table_.size() - 1;
  for (const Entry& entry : old) {
    if (entry.after == 0) continue;
    size_t slot = entry.hash & mask;
    while (table_[slot].after != 0) slot = (slot + 1) & mask;
    table_[slot] = entry;
  }
}

uint32_t Vocabulary::add(std::u32string_view text) {
  if (2 * (ends_.size() + 1) > table_.size()) grow();
  const uint32_t hash = hash_of(text);
  Entry& entry = table_[find_slot(text, hash)];
  if (entry.after == 0) {
    letters_ += text;
    ends_.push_back(letters_.size());
    entry = {hash, size()};
  }
  return entry.after - 1;
}

uint32_t Vocabulary::find(std::u32string_view text) const {
  if (table_.empty()) return kUnknown;
  return table_[find_slot(text, hash_of(text))].after - 1;
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
