// The documentation of the keys, from the same field lists.
#pragma once

#include <string>

#include "config/section.h"

namespace pgtrain {

// Type, default, allowed values and meaning of one key, or of all keys of a block or list ("" = of
// everything). An element of a list is "reward.N.metric" or "reward.0.metric". Throws ConfigError,
// with a suggestion, for an unknown key.
std::string explain(const Section& root, const std::string& key);

// JSON Schema, draft 7, for editors (RedHat's yaml-language-server).
std::string json_schema(const Section& root, const std::string& title);

}  // namespace pgtrain
