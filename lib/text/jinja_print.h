// Values as text: str() and repr() of Python, and JSON as json.dumps writes it.
#pragma once

#include <optional>
#include <string>

#include "text/jinja_budget.h"
#include "text/jinja_value.h"

namespace pgtrain::jinja {

// What {{ value }} prints: undefined = nothing, True, None, 1.0, ['a', 1]. Throws Fault for values
// that print as an address in Python (functions, generators, loops, namespaces).
std::string print(const Value& value, Budget& budget);

// str.isprintable of one code point, which decides what repr() escapes.
bool is_printable(char32_t c);

struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::optional<std::string> indent;  // of one level; nullopt = all on one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};

// Throws Fault for what JSON cannot hold, undefined among it.
std::string dump_json(const Value& value, const JsonStyle& style, Budget& budget);

}  // namespace pgtrain::jinja
