#include "text/jinja_value.h"

#include <algorithm>
#include <limits>
#include <map>

#include "core/error.h"
#include "text/unicode.h"

namespace pgtrain::jinja {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

thread_local int64_t comparison_work_left = std::numeric_limits<int64_t>::max();

void work(size_t amount) {
  comparison_work_left -= static_cast<int64_t>(amount);
  if (comparison_work_left < 0) throw Fault("the template takes too many steps to compare values");
}

size_t text_work(const Value& a, const Value& b) {
  return std::min(a.text().size(), b.text().size()) / 64;
}

int checked_depth(int deepest) {
  if (deepest >= kMaxValueDepth)
    throw Fault(fmt::format("lists and dictionaries nest deeper than {} levels", kMaxValueDepth));
  return deepest + 1;
}

const char* sequence_name(SequenceKind kind) {
  switch (kind) {
    case SequenceKind::kList:
      return "list";
    case SequenceKind::kTuple:
      return "tuple";
    case SequenceKind::kKeys:
      return "dict_keys";
    case SequenceKind::kValues:
      return "dict_values";
    case SequenceKind::kItems:
      return "dict_items";
    case SequenceKind::kRange:
      return "range";
    case SequenceKind::kGenerator:
      return "generator";
  }
  return "";
}

Value json_array(const nlohmann::ordered_json& json, int depth);
Value json_object(const nlohmann::ordered_json& json, int depth);

Value json_text(const std::string& text) {
  const size_t invalid = find_invalid_utf8(text);
  if (invalid != std::string::npos)
    throw DataError(fmt::format("text is not valid UTF-8 at byte {}", invalid));
  return text;
}

Value json_value(const nlohmann::ordered_json& json, int depth) {
  if (json.is_structured() && depth >= kMaxValueDepth)
    throw DataError(fmt::format("JSON nests deeper than {} levels", kMaxValueDepth));
  if (json.is_null()) return {};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_unsigned() &&
      json.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    throw DataError(fmt::format("number {} is beyond 64 bits", json.get<uint64_t>()));
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number_float()) return json.get<double>();
  if (json.is_string()) return json_text(json.get_ref<const std::string&>());
  if (json.is_array()) return json_array(json, depth);
  if (json.is_object()) return json_object(json, depth);
  throw DataError("binary JSON has no place in a template");
}

Value json_array(const nlohmann::ordered_json& json, int depth) {
  std::vector<Value> items;
  items.reserve(json.size());
  for (const auto& item : json) items.push_back(json_value(item, depth + 1));
  return Value::list(std::move(items));
}

Value json_object(const nlohmann::ordered_json& json, int depth) {
  std::vector<std::pair<std::string, Value>> items;
  items.reserve(json.size());
  for (const auto& item : json.items()) {
    json_text(item.key());
    items.emplace_back(item.key(), json_value(item.value(), depth + 1));
  }
  return Value::dict(std::move(items));
}

// Sequences of which Python compares the items; the others are equal to themselves only.
bool compares_items(const Sequence& s) {
  return s.kind == SequenceKind::kList || s.kind == SequenceKind::kTuple ||
         s.kind == SequenceKind::kRange;
}

bool equal_sequences(const Sequence& a, const Sequence& b) {
  if (&a == &b) return true;
  return a.kind == b.kind && compares_items(a) &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), equal);
}

bool equal_dicts(const Dict& a, const Dict& b) {
  if (a.items.size() != b.items.size()) return false;
  return std::all_of(a.items.begin(), a.items.end(), [&](const auto& item) {
    const Value* other = b.find(item.first);
    return other != nullptr && equal(item.second, *other);
  });
}

int compare_numbers(const Value& a, const Value& b) {
  if (a.is_integer() && b.is_integer())
    return a.integer() < b.integer() ? -1 : (a.integer() > b.integer() ? 1 : 0);
  return a.number() < b.number() ? -1 : (a.number() > b.number() ? 1 : 0);
}

bool is_ordered_sequence(const Value& value) {
  return value.is_sequence() && (value.sequence().kind == SequenceKind::kList ||
                                 value.sequence().kind == SequenceKind::kTuple);
}

}  // namespace

ComparisonLimit::ComparisonLimit(int64_t work)
    : outer_(std::exchange(comparison_work_left, work)) {}

ComparisonLimit::~ComparisonLimit() { comparison_work_left = outer_; }

const Value* Dict::find(std::string_view key) const {
  work(1 + items.size() / 4);
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.first == key; });
  return found == items.end() ? nullptr : &found->second;
}

Value Value::undefined(std::string what) {
  Value value;
  value.data_ = Undefined{std::make_shared<const std::string>(std::move(what))};
  return value;
}

Value Value::markup(std::string text) {
  Value value;
  value.data_ = Text{std::make_shared<const std::string>(std::move(text)), true};
  return value;
}

Value Value::sequence(SequenceKind kind, std::vector<Value> items) {
  int deepest = 0;
  for (const Value& item : items) deepest = std::max(deepest, item.depth());
  Value value;
  value.data_ =
      std::make_shared<const Sequence>(Sequence{kind, std::move(items), checked_depth(deepest), 0});
  return value;
}

Value Value::dict(std::vector<std::pair<std::string, Value>> items) {
  Dict dict;
  std::map<std::string_view, size_t> places;
  dict.items.reserve(items.size());
  int deepest = 0;
  for (auto& [key, item] : items) {
    deepest = std::max(deepest, item.depth());
    const auto [place, is_new] = places.emplace(key, dict.items.size());
    if (is_new)
      dict.items.emplace_back(key, std::move(item));
    else
      dict.items[place->second].second = std::move(item);
  }
  dict.depth = checked_depth(deepest);
  Value value;
  value.data_ = std::make_shared<const Dict>(std::move(dict));
  return value;
}

Value Value::from_json(const nlohmann::ordered_json& json) { return json_value(json, 0); }

std::string Value::type_name() const {
  return std::visit(
      Overloaded{[](const Undefined&) { return "undefined"; }, [](const None&) { return "None"; },
                 [](bool) { return "bool"; }, [](int64_t) { return "int"; },
                 [](double) { return "float"; },
                 [](const Text& t) { return t.is_markup ? "text marked safe" : "str"; },
                 [](const std::shared_ptr<const Sequence>& s) { return sequence_name(s->kind); },
                 [](const std::shared_ptr<const Dict>&) { return "dict"; },
                 [](Namespace*) { return "namespace"; }, [](LoopState*) { return "loop"; },
                 [](const Closure*) { return "macro"; },
                 [](const Function&) { return "function"; }},
      data_);
}

std::string Value::describe() const {
  if (is_undefined()) return *std::get<Undefined>(data_).what + " is undefined";
  return type_name();
}

int Value::depth() const {
  if (is_sequence()) return sequence().depth;
  if (is_dict()) return dict().depth;
  if (is<Function>() && function().object) return function().object->depth();
  return 0;
}

bool truth(const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (value.is_number()) return value.number() != 0;
  if (value.is_text()) return !value.text().empty();
  if (value.is_sequence())
    return value.sequence().kind == SequenceKind::kGenerator || !value.sequence().items.empty();
  if (value.is_dict()) return !value.dict().items.empty();
  return true;
}

bool equal(const Value& a, const Value& b) {
  work(1);
  if (a.is_number() && b.is_number()) {
    if (a.is_integer() && b.is_integer()) return a.integer() == b.integer();
    return a.number() == b.number();
  }
  if (a.is_text() && b.is_text()) {
    work(text_work(a, b));
    return a.text() == b.text();
  }
  if (a.is_sequence() && b.is_sequence()) return equal_sequences(a.sequence(), b.sequence());
  if (a.is_dict() && b.is_dict()) return equal_dicts(a.dict(), b.dict());
  if (a.is_none() || a.is_undefined()) return a.type_name() == b.type_name();
  if (a.is<Namespace*>() && b.is<Namespace*>())
    return a.pointer<Namespace>() == b.pointer<Namespace>();
  if (a.is<LoopState*>() && b.is<LoopState*>())
    return a.pointer<LoopState>() == b.pointer<LoopState>();
  if (a.is<const Closure*>() && b.is<const Closure*>())
    return a.pointer<const Closure>() == b.pointer<const Closure>();
  if (a.is<Function>() && b.is<Function>())
    return a.function().name == b.function().name && !a.function().object && !b.function().object;
  return false;
}

int compare(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return compare_numbers(a, b);
  work(1);
  if (a.is_text() && b.is_text()) {
    work(text_work(a, b));
    return a.text().compare(b.text());
  }
  const bool are_sequences =
      is_ordered_sequence(a) && is_ordered_sequence(b) && a.sequence().kind == b.sequence().kind;
  if (!are_sequences)
    throw Fault(fmt::format("{} and {} have no order", a.describe(), b.describe()));
  const std::vector<Value>& x = a.sequence().items;
  const std::vector<Value>& y = b.sequence().items;
  for (size_t i = 0; i < std::min(x.size(), y.size()); ++i)
    if (!equal(x[i], y[i])) return compare(x[i], y[i]);
  return x.size() < y.size() ? -1 : (x.size() > y.size() ? 1 : 0);
}

}  // namespace pgtrain::jinja
