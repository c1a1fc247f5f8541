// Resolved options as text.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/section.h"

namespace pgtrain {

enum class DumpMode {
  kFull,     // every key that applies
  kChanged,  // keys that differ from their defaults; a list that differs is whole, and so is the
             // block of a changed preset
};

// YAML that load reads back to the same values, bit for bit; "{}" when nothing is to be written. A
// default is the value at the time of describe(): to tell changed keys of resolved options,
// describe fresh options and assign the resolved ones to them afterwards.
std::string dump(const Section& root, DumpMode mode = DumpMode::kFull);

// Dotted key and canonical value of every field that applies, in the order of description; an empty
// list of blocks as "[]".
std::vector<std::pair<std::string, std::string>> flatten(const Section& root);

}  // namespace pgtrain
