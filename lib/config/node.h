// The YAML tree with the place of every key and value. Nodes never change once built, so aliases
// and merged trees share them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/place.h"

namespace pgtrain {

struct ConfigNode;
using NodePtr = std::shared_ptr<const ConfigNode>;

struct ConfigNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  struct Entry {
    std::string key;
    Place place;  // of the key
    NodePtr value;
  };

  // The entry of a map, or null.
  const Entry* find(const std::string& key) const;
  // For messages: "the text 'x'", "a list", "a block of keys", "nothing".
  std::string summary() const;

  Kind kind = Kind::kNull;
  Place place;
  std::string text;            // of a scalar
  bool is_quoted = false;      // the scalar was in quotes, a block scalar or tagged as text
  bool is_patch = false;       // a map from list indices to new elements: "--set reward.0.weight=2"
                               // without a list in a file
  std::vector<NodePtr> items;  // of a list
  std::vector<Entry> entries;  // of a map, keys all different
  int64_t size = 1;            // nodes in this tree, every alias counted in full
  int64_t height = 1;          // levels of this tree
};

// `over` on top of `base` (either may be null): maps are united key by key, everything else is
// replaced; an empty value leaves a map as it is.
NodePtr merge(const NodePtr& base, const NodePtr& over);

// map with the entry set, in place when the key is there already.
void set_entry(ConfigNode& map, ConfigNode::Entry entry);

}  // namespace pgtrain
