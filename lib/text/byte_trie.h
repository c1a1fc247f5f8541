// A trie over byte strings, for finding all entries that a text begins with.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace pgtrain {

class ByteTrie {
 public:
  // Values must be >= 0. An empty key is left out, and of equal keys all but the first.
  explicit ByteTrie(std::vector<std::pair<std::string_view, int64_t>> entries);

  // Calls visit(length, value) for each key that `text` begins with, the shortest first.
  template <class Visit>
  void for_each_prefix(std::string_view text, Visit visit) const {
    uint32_t node = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      node = child(node, static_cast<unsigned char>(text[i]));
      if (node == 0) return;
      if (nodes_[node].value >= 0) visit(i + 1, nodes_[node].value);
    }
  }
  // Whether some key begins with this byte.
  bool has_first_byte(char byte) const { return child(0, static_cast<unsigned char>(byte)) != 0; }

 private:
  struct Node {
    int64_t value = -1;
    uint32_t first_child = 0;  // children stand together, in the order of their bytes
    uint16_t num_children = 0;
    unsigned char byte = 0;
  };

  // 0 when there is none.
  uint32_t child(uint32_t node, unsigned char byte) const;

  std::vector<Node> nodes_;
};

}  // namespace pgtrain
