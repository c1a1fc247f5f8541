// "did you mean ...?" for keys and choices.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/section.h"

namespace pgtrain {

// Damerau-Levenshtein distance over bytes, in its restricted form (optimal string alignment):
// insertions, deletions, substitutions and swaps of neighbours.
size_t typing_distance(const std::string& a, const std::string& b);

// The candidate at the smallest distance, at most max(1, length / 3); "" when none is near. The
// first one wins a tie.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

// Ends a message about the unknown `key` in `section`: "; did you mean 'train.steps'?", "; this key
// exists as 'optimizer.learning_rate'" or the list of known keys.
std::string key_suggestion(const Section& root, const Section& section, const std::string& key);

// Dotted paths of all fields and lists below the section, elements of lists as "reward.N.metric".
std::vector<std::string> leaf_paths(const Section& section);

}  // namespace pgtrain
