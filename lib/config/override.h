// Overrides of the command line: "a.b=c", where c is YAML.
#pragma once

#include <string>
#include <vector>

#include "config/node.h"
#include "config/problems.h"

namespace pgtrain {

struct Override {
  std::vector<std::string> path;  // the key, cut at its dots
  NodePtr value;
  Place place;
};

// Throws YamlError, with its place, for an override that cannot be understood.
Override parse_override(const std::string& text, size_t order, Problems& problems);

// The tree with the override on top. A number in the path is an index into a list. Throws YamlError
// when that list is shorter.
NodePtr apply_override(const NodePtr& tree, const Override& change);

// The index that the text spells, or -1. An index has at most 6 digits.
int64_t list_index(const std::string& text);

}  // namespace pgtrain
