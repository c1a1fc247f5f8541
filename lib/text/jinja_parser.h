// Templates to syntax trees. The language is the part of Jinja 2 that chat templates use:
//   {{ expression }}, {# comment #}, if/elif/else, for (with `if`, else, break, continue), set
//   (also of a block), macro, with, filter, raw, generation; all expressions but *args and
//   **kwargs.
#pragma once

#include <string>
#include <string_view>

#include "text/jinja_syntax.h"

namespace pgtrain::jinja {

constexpr size_t kMaxTemplateBytes = size_t{1} << 20;
constexpr int kMaxSyntaxDepth = 200;  // of nested statements or operators

// Throws ConfigError "name:line:column: message" for anything else, also for filters, tests and
// constructs of Jinja outside of this part.
Program parse_template(std::string_view source, const std::string& name);

}  // namespace pgtrain::jinja
