// The manual page, from the same texts as --help.
#pragma once

#include <string>
#include <vector>

#include "command_tree.h"

namespace pgtrain {

// pgtrain(1) in roff for the man macros. `keys`: the explanation of all keys of an experiment, in
// blocks of a line "key: type; default" and an indented one (explain of config/explain.h).
std::string manual_page(const CommandHelp& program, const std::string& keys);

}  // namespace pgtrain
