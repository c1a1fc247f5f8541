// Reads an experiment: defaults < files from left to right < overrides.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "config/problems.h"
#include "config/section.h"

namespace pgtrain {

// Which source set which key; elements of lists are "reward.0.metric".
class Loaded {
 public:
  // The key (or block) was given in a file or an override, whatever its value.
  bool is_set(const std::string& key) const { return places_.count(key) != 0; }
  // "exp.yaml:12:5", "--set train.steps=5", the place of the preset that assigned the value, or
  // "default".
  std::string place_of(const std::string& key) const;

 private:
  friend class Binder;
  std::map<std::string, Place> places_;
  std::map<std::string, Place> by_preset_;
};

// Merges all sources, then assigns the options behind `root`. Blocks are united key by key; a value
// or list replaces the earlier one. An override "a.b=c" has YAML after the '='; "reward.0.weight=2"
// changes one element of a list, and the index after the last adds one. validate may add problems
// that concern several keys; it runs once all sources could be read, also when single keys have
// problems (these then keep their defaults). Throws one ConfigError with all problems,
// "file:line:column: error: ..." each; the options are then half assigned.
Loaded load(Section& root, const std::vector<std::filesystem::path>& files,
            const std::vector<std::string>& overrides = {},
            const std::function<void(Problems&)>& validate = {});

}  // namespace pgtrain
