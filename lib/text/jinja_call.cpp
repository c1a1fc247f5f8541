#include "text/jinja_call.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "text/jinja_methods.h"
#include "text/jinja_runtime.h"
#include "text/unicode.h"

namespace pgtrain::jinja {
namespace {

bool is_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::vector<Value> characters(const std::string& text, Budget& budget) {
  budget.allocate(text.size() * sizeof(Value));
  std::vector<Value> items;
  for (char32_t c : decode_utf8(text)) items.emplace_back(encode_utf8({&c, 1}));
  return items;
}

std::vector<Value> keys_of(const Dict& dict, Budget& budget) {
  budget.allocate(dict.items.size() * sizeof(Value));
  std::vector<Value> keys;
  for (const auto& entry : dict.items) keys.emplace_back(entry.first);
  return keys;
}

std::vector<Value> items_of(const Sequence& s, Budget& budget) {
  const size_t from = s.position;
  if (s.kind == SequenceKind::kGenerator) s.position = s.items.size();
  budget.allocate((s.items.size() - from) * sizeof(Value));
  return {s.items.begin() + static_cast<std::ptrdiff_t>(from), s.items.end()};
}

bool is_indexed(const Sequence& s) {
  return s.kind == SequenceKind::kList || s.kind == SequenceKind::kTuple ||
         s.kind == SequenceKind::kRange;
}

Value nothing_at(int64_t index, const Value& object) {
  return Value::undefined(fmt::format("item {} of a {}", index, object.type_name()));
}

Value indexed(const Value& object, int64_t index, Budget& budget) {
  if (object.is_sequence() && is_indexed(object.sequence())) {
    const std::vector<Value>& items = object.sequence().items;
    const auto size = static_cast<int64_t>(items.size());
    if (index < -size || index >= size) return nothing_at(index, object);
    return items[static_cast<size_t>(index < 0 ? index + size : index)];
  }
  if (!object.is_text()) return nothing_at(index, object);
  const std::string& text = object.text();
  budget.step(1 + text.size() / 16);
  const int64_t size = length(object);
  if (index < -size || index >= size) return nothing_at(index, object);
  const auto at = static_cast<size_t>(index < 0 ? index + size : index);
  if (is_ascii(text)) return std::string(1, text[at]);
  const char32_t c = decode_utf8(text)[at];
  return encode_utf8({&c, 1});
}

bool generator_contains(const Sequence& s, const Value& needle) {
  while (s.position < s.items.size())
    if (equal(s.items[s.position++], needle)) return true;
  return false;
}

}  // namespace

Bound::Bound(const Call& call, const std::string& what,
             std::initializer_list<const char*> parameters)
    : what_(what), names_(parameters), values_(parameters.size(), nullptr) {
  if (call.positional.size() > names_.size())
    throw Fault(
        fmt::format("{} takes {} arguments, not {}", what_, names_.size(), call.positional.size()));
  for (size_t i = 0; i < call.positional.size(); ++i) values_[i] = &call.positional[i];
  for (const auto& [name, value] : call.named) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) throw Fault(fmt::format("{} has no argument \"{}\"", what_, name));
    const Value*& place = values_[static_cast<size_t>(found - names_.begin())];
    if (place != nullptr) throw Fault(fmt::format("{}: \"{}\" is given twice", what_, name));
    place = &value;
  }
}

const Value& Bound::need(size_t index) const {
  if (values_[index] == nullptr)
    throw Fault(fmt::format("{} needs the argument \"{}\"", what_, names_[index]));
  return *values_[index];
}

bool Bound::flag(size_t index, bool otherwise) const {
  return values_[index] == nullptr ? otherwise : truth(*values_[index]);
}

int64_t Bound::integer(size_t index, int64_t otherwise) const {
  if (values_[index] == nullptr) return otherwise;
  if (!values_[index]->is_integer())
    throw Fault(fmt::format("{}: \"{}\" must be an integer, not {}", what_, names_[index],
                            values_[index]->describe()));
  return values_[index]->integer();
}

const std::string& Bound::text(size_t index) const {
  const Value& value = need(index);
  if (!value.is_text())
    throw Fault(
        fmt::format("{}: \"{}\" must be a text, not {}", what_, names_[index], value.describe()));
  return value.text();
}

std::vector<Value> iterate(const Value& value, Budget& budget) {
  if (value.is_undefined()) return {};
  if (value.is_text()) return characters(value.text(), budget);
  if (value.is_dict()) return keys_of(value.dict(), budget);
  if (value.is_sequence()) return items_of(value.sequence(), budget);
  throw Fault(fmt::format("{} cannot be iterated", value.describe()));
}

int64_t length(const Value& value) {
  if (value.is_undefined()) return 0;
  if (value.is_text())
    return std::count_if(value.text().begin(), value.text().end(),
                         [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  if (value.is_dict()) return static_cast<int64_t>(value.dict().items.size());
  if (value.is_sequence() && value.sequence().kind != SequenceKind::kGenerator)
    return static_cast<int64_t>(value.sequence().items.size());
  throw Fault(fmt::format("{} has no length", value.describe()));
}

Value attribute(const Value& value, const std::string& name) {
  if (value.is_undefined())
    throw Fault(fmt::format("{}, so that it has no \"{}\"", value.describe(), name));
  if (is_method(value, name)) return Value(Function{name, std::make_shared<const Value>(value)});
  if (value.is<LoopState*>()) return value.pointer<LoopState>()->attribute(name);
  if (value.is<const Closure*>()) throw Fault("attributes of macros are not supported");
  if (value.is<Function>()) throw Fault("attributes of functions are not supported");
  if (value.is<Namespace*>()) {
    const auto& attributes = value.pointer<Namespace>()->attributes;
    const auto found = attributes.find(name);
    if (found != attributes.end()) return found->second;
  }
  if (value.is_dict())
    if (const Value* found = value.dict().find(name)) return *found;
  return Value::undefined(fmt::format("\"{}\" of a {}", name, value.type_name()));
}

Value item(const Value& value, const Value& key, Budget& budget) {
  if (value.is_undefined())
    throw Fault(fmt::format("{}, so that it has no items", value.describe()));
  if (key.is_text()) {
    if (value.is_dict())
      if (const Value* found = value.dict().find(key.text())) return *found;
    return attribute(value, key.text());
  }
  if (key.is_integer()) return indexed(value, key.integer(), budget);
  return Value::undefined(fmt::format("an item of a {}", value.type_name()));
}

void require_hashable(const Value& value, const std::string& what) {
  const bool is_tuple = value.is_sequence() && value.sequence().kind == SequenceKind::kTuple;
  if (value.is_dict() || (value.is_sequence() && !is_tuple))
    throw Fault(fmt::format("{} cannot be of type {}", what, value.type_name()));
  if (!is_tuple) return;
  for (const Value& item : value.sequence().items) require_hashable(item, what);
}

bool contains(const Value& haystack, const Value& needle, Budget& budget) {
  if (haystack.is_undefined()) return false;
  if (haystack.is_text()) {
    if (!needle.is_text())
      throw Fault(fmt::format("only a text can be in a text, not {}", needle.describe()));
    budget.step(1 + haystack.text().size() / 16);
    return haystack.text().find(needle.text()) != std::string::npos;
  }
  if (haystack.is_dict()) {
    budget.step(1 + haystack.dict().items.size() / 16);
    require_hashable(needle, "a key");
    return needle.is_text() && haystack.dict().find(needle.text()) != nullptr;
  }
  if (!haystack.is_sequence())
    throw Fault(fmt::format("nothing can be in {}", haystack.describe()));
  const Sequence& s = haystack.sequence();
  budget.step(1 + s.items.size());
  if (s.kind == SequenceKind::kGenerator) return generator_contains(s, needle);
  return std::any_of(s.items.begin(), s.items.end(),
                     [&](const Value& member) { return equal(member, needle); });
}

}  // namespace pgtrain::jinja
