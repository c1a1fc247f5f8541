// The tests of Jinja: `value is name(argument)`. Supported:
//   defined undefined none boolean true false integer float number string mapping iterable sequence
//   callable eq equalto == ne != lt lessthan < le <= gt greaterthan > ge >= in even odd divisibleby
//   lower upper sameas
#pragma once

#include <string>

#include "text/jinja_call.h"

namespace pgtrain::jinja {

bool is_test(const std::string& name);

// Throws Fault for wrong arguments and an unknown name.
bool run_test(const std::string& name, const Value& value, const Call& call, Budget& budget);

}  // namespace pgtrain::jinja
