// How often each n-gram of 1..max_order symbols occurs in a reference, and how many n-grams of a
// hypothesis it covers. A symbol is any 32-bit number: a code point, a word's number. N-grams are
// compared exactly (a trie with one hashed edge for each n-gram), never by their hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pgtrain {

class NgramCounts {
 public:
  explicit NgramCounts(size_t max_order) : max_order_(max_order) {}

  // Adds a text. With several texts an n-gram's count is the largest in any one of them.
  void add(const std::vector<uint32_t>& symbols);

  // [max_order] for order n at index n - 1: n-grams of the hypothesis that are in the reference,
  // each counted at most as often as there (clipped counts, Papineni et al. 2002).
  std::vector<int64_t> matches(const std::vector<uint32_t>& symbols) const;

  size_t max_order() const { return max_order_; }

 private:
  struct Edge {
    uint64_t key = 0;   // parent node and symbol
    uint32_t node = 0;  // 0 = free; the root is no one's child
  };
  uint32_t child(uint32_t parent, uint32_t symbol) const;
  uint32_t add_child(uint32_t parent, uint32_t symbol);
  size_t find_slot(uint64_t key) const;
  void reserve(size_t nodes);

  size_t max_order_;
  std::vector<Edge> edges_;      // open addressing; a power of two, at most half full
  std::vector<int64_t> counts_;  // of each node; [0], the root, unused
};

// Number of n-grams in a text of `length` symbols.
inline int64_t ngram_total(size_t length, size_t order) {
  return length < order ? 0 : static_cast<int64_t>(length - order + 1);
}

}  // namespace pgtrain
