// Arguments of a call while a template runs, and what every kind of callable needs of them.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja_budget.h"
#include "text/jinja_value.h"

namespace pgtrain::jinja {

struct Call {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

// Arguments bound to the names of the parameters, as Python binds them. Throws Fault for too many
// arguments, an unknown name and one given twice.
class Bound {
 public:
  // `what` is for messages: "the filter \"join\"".
  Bound(const Call& call, const std::string& what, std::initializer_list<const char*> parameters);

  // Null when the argument was not given.
  const Value* get(size_t index) const { return values_[index]; }
  // Throws Fault when it was not given.
  const Value& need(size_t index) const;
  bool flag(size_t index, bool otherwise) const;
  int64_t integer(size_t index, int64_t otherwise) const;
  // Throws Fault when it is not a text.
  const std::string& text(size_t index) const;

 private:
  std::string what_;
  std::vector<const char*> names_;
  std::vector<const Value*> values_;
};

// The items that a `for` over the value sees: characters, keys, items; nothing for undefined. A
// generator gives its items once. Throws Fault for what cannot be iterated.
std::vector<Value> iterate(const Value& value, Budget& budget);

// Python's len(). Throws Fault for what has no length.
int64_t length(const Value& value);

// value.name and value["name"], and value[index]; undefined when there is no such thing. Methods
// come before the keys of a dictionary for `attribute`, after them for `item`. Throws Fault when
// the value is undefined or the attribute is one of Python that is not supported.
Value attribute(const Value& value, const std::string& name);
Value item(const Value& value, const Value& key, Budget& budget);

// Throws Fault for what Python cannot use as a key: lists and dictionaries.
void require_hashable(const Value& value, const std::string& what);

// Python's `needle in haystack`.
bool contains(const Value& haystack, const Value& needle, Budget& budget);

}  // namespace pgtrain::jinja
