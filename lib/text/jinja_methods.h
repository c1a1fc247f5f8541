// Methods of Python's str, dict, list and tuple that templates may call: all of
//   str   capitalize count endswith find index isalnum isalpha isdigit islower isspace isupper join
//         lower lstrip partition removeprefix removesuffix replace rfind rpartition rsplit rstrip
//         split splitlines startswith strip upper
//   dict  copy get items keys values
//   list and tuple  count index
// None changes its object, as in the sandbox that transformers renders templates in.
#pragma once

#include <string>

#include "text/jinja_call.h"

namespace pgtrain::jinja {

// Throws Fault for a method of Python that is not supported, so that it never reads as undefined.
bool is_method(const Value& value, const std::string& name);

// Throws Fault for wrong arguments.
Value call_method(const Value& object, const std::string& name, const Call& call, Budget& budget);

}  // namespace pgtrain::jinja
