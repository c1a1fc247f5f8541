// Completion scripts for shells. Each is whole: it holds all commands, flags, listed values and
// keys of an experiment, and starts no program.
#pragma once

#include <string>
#include <vector>

#include "command_tree.h"

namespace pgtrain {

// To be sourced, or installed as share/bash-completion/completions/pgtrain. Bash 4 and later.
std::string bash_completion(const CommandHelp& program, const std::vector<SettingHelp>& settings);

// To be installed as _pgtrain in a folder of $fpath.
std::string zsh_completion(const CommandHelp& program, const std::vector<SettingHelp>& settings);

// To be installed as share/fish/vendor_completions.d/pgtrain.fish.
std::string fish_completion(const CommandHelp& program, const std::vector<SettingHelp>& settings);

}  // namespace pgtrain
