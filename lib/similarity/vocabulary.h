// Numbers for the words of a reference, so that texts are compared as sequences of integers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pgtrain {

// A set of words, numbered from 0 in the order of their first appearance. Const members may be
// called from several threads.
class Vocabulary {
 public:
  static constexpr uint32_t kUnknown = 0xFFFFFFFF;

  // The number of the word, a new one when it was not there.
  uint32_t add(std::u32string_view word);
  // The number of the word, or kUnknown.
  uint32_t find(std::u32string_view word) const;
  uint32_t size() const { return static_cast<uint32_t>(ends_.size()); }

  std::vector<uint32_t> add(const std::vector<std::u32string_view>& words);
  std::vector<uint32_t> find(const std::vector<std::u32string_view>& words) const;

 private:
  std::u32string_view word(uint32_t number) const;
  size_t find_slot(std::u32string_view word) const;
  void grow();

  std::u32string letters_;       // all words, one after the other
  std::vector<size_t> ends_;     // end of each word in letters_
  std::vector<uint32_t> table_;  // open addressing: number + 1, 0 = free; a power of two
};

}  // namespace pgtrain
