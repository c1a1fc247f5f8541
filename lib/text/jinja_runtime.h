// Things that belong to one rendering: variables, namespaces and loops. They live in the evaluator
// to its end, so that values may point at them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/jinja_syntax.h"

namespace pgtrain::jinja {

struct Scope {
  Scope* parent = nullptr;
  std::unordered_map<std::string_view, Value> variables;  // the names live in the syntax tree

  const Value* find(std::string_view name) const;
};

struct Namespace {
  std::unordered_map<std::string, Value> attributes;
};

// The object `loop` of a for statement. Items that the statement's `if` refuses are passed over
// when the loop gets to them or looks ahead.
struct LoopState {
  std::vector<Value> items;
  std::function<bool(const Value&)> accepts;  // null = all
  size_t next = 0;                            // first item not yet looked at
  std::vector<Value> accepted;                // items given or looked ahead at
  size_t given = 0;                           // of `accepted`, to the body
  std::vector<Value> last_changed;
  bool has_changed_before = false;

  // Makes accepted[count - 1] exist if there is such an item.
  bool has(size_t count);
  bool advance();
  const Value& current() const { return accepted[given - 1]; }
  // loop.index and the others; throws Fault for a name that loops do not have.
  Value attribute(const std::string& name);
};

// A macro with the scope in which it was defined.
struct Closure {
  const Macro* macro = nullptr;
  Scope* scope = nullptr;
};

}  // namespace pgtrain::jinja
