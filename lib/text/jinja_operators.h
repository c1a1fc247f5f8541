// Operators of expressions with the meaning of Python's. Throw Fault for types that do not fit,
// integers beyond 64 bits and division by zero.
#pragma once

#include <string>

#include "text/jinja_budget.h"
#include "text/jinja_value.h"

namespace pgtrain::jinja {

// op: + - * / // % **
Value binary(const std::string& op, const Value& a, const Value& b, Budget& budget);
Value negate(const Value& value);

// value[start:stop:step]; none = left out.
Value slice(const Value& value, const Value& start, const Value& stop, const Value& step,
            Budget& budget);

// op: == != < <= > >= in, not in
bool holds(const std::string& op, const Value& a, const Value& b, Budget& budget);

}  // namespace pgtrain::jinja
