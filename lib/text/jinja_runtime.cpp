#include "text/jinja_runtime.h"

#include <spdlog/fmt/fmt.h>

namespace pgtrain::jinja {

const Value* Scope::find(std::string_view name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->parent) {
    const auto found = scope->variables.find(name);
    if (found != scope->variables.end()) return &found->second;
  }
  return nullptr;
}

bool LoopState::has(size_t count) {
  while (accepted.size() < count && next < items.size()) {
    const Value& item = items[next++];
    if (!accepts || accepts(item)) accepted.push_back(item);
  }
  return accepted.size() >= count;
}

bool LoopState::advance() {
  if (!has(given + 1)) return false;
  ++given;
  return true;
}

Value LoopState::attribute(const std::string& name) {
  const auto index = static_cast<int64_t>(given);
  const auto total = [&] {
    has(items.size());
    return static_cast<int64_t>(accepted.size());
  };
  if (name == "index") return index;
  if (name == "index0") return index - 1;
  if (name == "first") return index == 1;
  if (name == "last") return !has(given + 1);
  if (name == "length") return total();
  if (name == "revindex") return total() - index + 1;
  if (name == "revindex0") return total() - index;
  if (name == "depth") return int64_t{1};  // it grows in recursive loops only
  if (name == "depth0") return int64_t{0};
  if (name == "previtem")
    return given > 1 ? accepted[given - 2] : Value::undefined("\"previtem\" of the first item");
  if (name == "nextitem")
    return has(given + 1) ? accepted[given] : Value::undefined("\"nextitem\" of the last item");
  if (name == "cycle" || name == "changed")
    return Value(Function{name, std::make_shared<const Value>(this)});
  throw Fault(fmt::format("loop has no \"{}\"", name));
}

}  // namespace pgtrain::jinja
