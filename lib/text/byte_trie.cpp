#include "text/byte_trie.h"

#include <algorithm>

namespace pgtrain {
namespace {

// Entries [begin, end) share the bytes above `depth` and belong to `node`.
struct Range {
  size_t begin;
  size_t end;
  size_t depth;
  uint32_t node;
};

}  // namespace

ByteTrie::ByteTrie(std::vector<std::pair<std::string_view, int64_t>> entries) : nodes_(1) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Range> open = {{0, entries.size(), 0, 0}};
  while (!open.empty()) {
    Range range = open.back();
    open.pop_back();
    while (range.begin < range.end && entries[range.begin].first.size() == range.depth) {
      Node& node = nodes_[range.node];
      if (range.depth > 0 && node.value < 0) node.value = entries[range.begin].second;
      ++range.begin;
    }
    nodes_[range.node].first_child = static_cast<uint32_t>(nodes_.size());
    for (size_t begin = range.begin; begin < range.end;) {
      const char byte = entries[begin].first[range.depth];
      size_t end = begin + 1;
      while (end < range.end && entries[end].first[range.depth] == byte) ++end;
      open.push_back({begin, end, range.depth + 1, static_cast<uint32_t>(nodes_.size())});
      nodes_.emplace_back().byte = static_cast<unsigned char>(byte);
      ++nodes_[range.node].num_children;
      begin = end;
    }
  }
}

uint32_t ByteTrie::child(uint32_t node, unsigned char byte) const {
  const auto first = nodes_.begin() + nodes_[node].first_child;
  const auto last = first + nodes_[node].num_children;
  const auto found = std::lower_bound(
      first, last, byte, [](const Node& a, unsigned char wanted) { return a.byte < wanted; });
  if (found == last || found->byte != byte) return 0;
  return static_cast<uint32_t>(found - nodes_.begin());
}

}  // namespace pgtrain
