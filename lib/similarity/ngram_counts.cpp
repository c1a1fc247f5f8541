#include "similarity/ngram_counts.h"

#include <algorithm>

namespace pgtrain {
namespace {

uint64_t edge_key(uint32_t parent, uint32_t symbol) { return (uint64_t{parent} << 32) | symbol; }

size_t hash_slot(uint64_t key, size_t mask) {
  return static_cast<size_t>((key * 0x9E3779B97F4A7C15ULL) >> 32) & mask;
}

}  // namespace

size_t NgramCounts::find_slot(uint64_t key) const {
  const size_t mask = edges_.size() - 1;
  size_t slot = hash_slot(key, mask);
  while (edges_[slot].node != 0 && edges_[slot].key != key) slot = (slot + 1) & mask;
  return slot;
}

uint32_t NgramCounts::child(uint32_t parent, uint32_t symbol) const {
  return edges_[find_slot(edge_key(parent, symbol))].node;
}

// Room for `nodes` nodes without another table.
void NgramCounts::reserve(size_t nodes) {
  size_t size = std::max<size_t>(edges_.size(), 16);
  while (size < 2 * nodes) size *= 2;
  if (size == edges_.size()) return;
  std::vector<Edge> old(size);
  old.swap(edges_);
  for (const Edge& edge : old)
    if (edge.node != 0) edges_[find_slot(edge.key)] = edge;
}

uint32_t NgramCounts::add_child(uint32_t parent, uint32_t symbol) {
  const uint64_t key = edge_key(parent, symbol);
  Edge& edge = edges_[find_slot(key)];
  if (edge.node == 0) {
    edge = {key, static_cast<uint32_t>(counts_.size())};
    counts_.push_back(0);
  }
  return edge.node;
}

void NgramCounts::add(const std::vector<uint32_t>& symbols) {
  if (counts_.empty()) counts_.push_back(0);
  reserve(counts_.size() + symbols.size() * max_order_);
  std::vector<int64_t> counts(counts_.size(), 0);  // of this text alone
  counts.reserve(counts_.size() + symbols.size() * max_order_);
  for (size_t i = 0; i < symbols.size(); ++i) {
    uint32_t node = 0;
    const size_t end = std::min(symbols.size(), i + max_order_);
    for (size_t j = i; j < end; ++j) {
      node = add_child(node, symbols[j]);
      if (node >= counts.size()) counts.push_back(0);
      ++counts[node];
    }
  }
  for (size_t node = 0; node < counts.size(); ++node)
    counts_[node] = std::max(counts_[node], counts[node]);
}

std::vector<int64_t> NgramCounts::matches(const std::vector<uint32_t>& symbols) const {
  std::vector<int64_t> matched(max_order_, 0);
  if (counts_.size() < 2) return matched;
  std::vector<int64_t> left = counts_;  // n-grams of the reference that are not matched yet
  for (size_t i = 0; i < symbols.size(); ++i) {
    uint32_t node = 0;
    const size_t end = std::min(symbols.size(), i + max_order_);
    for (size_t j = i; j < end; ++j) {
      node = child(node, symbols[j]);
      if (node == 0) break;  // no longer n-gram can be there either
      if (left[node] > 0) {
        --left[node];
        ++matched[j - i];
      }
    }
  }
  return matched;
}

}  // namespace pgtrain
