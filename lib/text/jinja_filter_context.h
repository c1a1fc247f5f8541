// What the implementations of filters share.
#pragma once

#include <spdlog/fmt/fmt.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "text/jinja_call.h"
#include "text/jinja_print.h"

namespace pgtrain::jinja {

struct FilterContext {
  const std::string& name;
  const Value& value;
  const Call& call;
  Budget& budget;

  std::string what() const { return fmt::format("the filter \"{}\"", name); }
  Bound bind(std::initializer_list<const char*> parameters) const {
    return Bound(call, what(), parameters);
  }
  // The value as text. Throws Fault for a text marked safe.
  std::string text() const;
  std::vector<Value> items() const { return iterate(value, budget); }
};

using Filter = std::function<Value(const FilterContext&)>;
using Filters = std::map<std::string, Filter>;

Filters text_filters();      // jinja_filters_text.cpp
Filters sequence_filters();  // jinja_filters_sequence.cpp

// A path such as "function.name" or "0.text" read from a value, as map(attribute=...) does. What is
// undefined on the way becomes `otherwise` when that is given and not none.
Value attribute_path(const Value& value, const Value& path, Budget& budget,
                     const Value* otherwise = nullptr);

}  // namespace pgtrain::jinja
