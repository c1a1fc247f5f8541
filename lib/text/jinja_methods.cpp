#include "text/jinja_methods.h"

#include <spdlog/fmt/fmt.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "text/characters.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"
#include "text/jinja_text.h"
#include "text/unicode.h"

namespace pgtrain::jinja {
namespace {

// One call of a method: the object, the arguments and what the rendering may still use.
struct Context {
  const Value& object;
  const std::string& name;
  const Call& call;
  Budget& budget;

  Bound bind(std::initializer_list<const char*> parameters) const {
    return Bound(call, fmt::format("{}()", name), parameters);
  }
  const std::string& text() const { return object.text(); }
};
using Method = std::function<Value(const Context&)>;
using Methods = std::map<std::string, Method>;

Value texts(std::vector<std::string> parts, SequenceKind kind, Budget& budget) {
  budget.allocate(parts.size() * sizeof(Value));
  std::vector<Value> items;
  items.reserve(parts.size());
  for (std::string& part : parts) items.emplace_back(std::move(part));
  return Value::sequence(kind, std::move(items));
}

Method strip_method(Side side) {
  return [side](const Context& c) -> Value {
    const Bound args = c.bind({"chars"});
    std::optional<std::string> chars;
    if (args.get(0) != nullptr && !args.get(0)->is_none()) chars = args.text(0);
    if (chars) c.budget.step(c.text().size() * (1 + chars->size() / 64));
    return strip_text(c.text(), side, chars);
  };
}

Value split_method(const Context& c, bool from_right) {
  const Bound args = c.bind({"sep", "maxsplit"});
  const int64_t limit = args.integer(1, -1);
  const bool at_space = args.get(0) == nullptr || args.get(0)->is_none();
  if (at_space)
    return texts(
        from_right ? split_at_space_from_right(c.text(), limit) : split_at_space(c.text(), limit),
        SequenceKind::kList, c.budget);
  const std::string& separator = args.text(0);
  if (separator.empty()) throw Fault(c.name + "(): the separator is empty");
  return texts(from_right ? split_at_from_right(c.text(), separator, limit)
                          : split_at(c.text(), separator, limit),
               SequenceKind::kList, c.budget);
}

Value partition_method(const Context& c, bool from_right) {
  const std::string& separator = c.bind({"sep"}).text(0);
  if (separator.empty()) throw Fault(c.name + "(): the separator is empty");
  const size_t at = from_right ? c.text().rfind(separator) : c.text().find(separator);
  std::vector<std::string> parts;
  if (at != std::string::npos)
    parts = {c.text().substr(0, at), separator, c.text().substr(at + separator.size())};
  else if (from_right)
    parts = {"", "", c.text()};
  else
    parts = {c.text(), "", ""};
  return texts(std::move(parts), SequenceKind::kTuple, c.budget);
}

bool has_affix(const std::string& text, const std::string& affix, bool at_end) {
  return affix.size() <= text.size() &&
         text.compare(at_end ? text.size() - affix.size() : 0, affix.size(), affix) == 0;
}

// startswith and endswith: a text, or a tuple of them of which one is enough.
Value affix_method(const Context& c, bool at_end) {
  const Bound args = c.bind({"affix"});
  const Value& affix = args.need(0);
  if (affix.is_text()) return has_affix(c.text(), affix.text(), at_end);
  if (!affix.is_sequence() || affix.sequence().kind != SequenceKind::kTuple)
    throw Fault(
        fmt::format("{}() needs a text or a tuple of texts, not {}", c.name, affix.describe()));
  bool found = false;
  for (const Value& one : affix.sequence().items) {
    if (!one.is_text()) throw Fault(c.name + "(): the tuple holds more than texts");
    found = found || has_affix(c.text(), one.text(), at_end);
  }
  return found;
}

Value remove_affix(const Context& c, bool at_end) {
  const std::string& affix = c.bind({"affix"}).text(0);
  if (affix.empty() || !has_affix(c.text(), affix, at_end)) return c.text();
  const size_t rest = c.text().size() - affix.size();
  return at_end ? c.text().substr(0, rest) : c.text().substr(affix.size());
}

Value find_method(const Context& c, bool from_right, bool must_exist) {
  const std::string& needle = c.bind({"sub"}).text(0);
  const size_t at = from_right ? c.text().rfind(needle) : c.text().find(needle);
  if (at != std::string::npos) return character_index(c.text(), at);
  if (must_exist) throw Fault(c.name + "(): the text is not there");
  return int64_t{-1};
}

Value replace_method(const Context& c) {
  const Bound args = c.bind({"old", "new", "count"});
  const std::string& old = args.text(0);
  const std::string& by = args.text(1);
  const int64_t limit = args.integer(2, -1);
  const int64_t found = count_text(c.text(), old);
  const auto count = static_cast<size_t>(limit < 0 ? found : std::min(found, limit));
  c.budget.allocate(count * by.size());
  return replace_text(c.text(), old, by, limit);
}

Value join_method(const Context& c) {
  const Bound args = c.bind({"iterable"});
  std::string result;
  bool is_first = true;
  for (const Value& item : iterate(args.need(0), c.budget)) {
    if (!item.is_text() || item.is_markup())
      throw Fault(fmt::format("join() needs texts, not {}", item.describe()));
    c.budget.allocate(c.text().size() + item.text().size());
    if (!is_first) result += c.text();
    is_first = false;
    result += item.text();
  }
  return result;
}

// isalpha and the like: the text is not empty and every character is in the class.
Method class_method(bool (*in_class)(char32_t)) {
  return [in_class](const Context& c) -> Value {
    c.bind({});
    const std::u32string text = decode_utf8(c.text());
    return !text.empty() && std::all_of(text.begin(), text.end(), in_class);
  };
}

bool is_letter(char32_t c) {
  return (U_MASK(u_charType(static_cast<UChar32>(c))) & U_GC_L_MASK) != 0;
}
int32_t numeric_type(char32_t c) {
  return u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_NUMERIC_TYPE);
}
bool is_digit(char32_t c) {
  return numeric_type(c) == U_NT_DECIMAL || numeric_type(c) == U_NT_DIGIT;
}
bool is_letter_or_number(char32_t c) { return is_letter(c) || numeric_type(c) != U_NT_NONE; }

// islower and isupper: no character of the other case, at least one of this.
Method case_method(UProperty wanted, UProperty other) {
  return [wanted, other](const Context& c) -> Value {
    c.bind({});
    bool has_wanted = false;
    for (char32_t code : decode_utf8(c.text())) {
      const auto character = static_cast<UChar32>(code);
      if (u_hasBinaryProperty(character, other) || u_charType(character) == U_TITLECASE_LETTER)
        return false;
      has_wanted = has_wanted || u_hasBinaryProperty(character, wanted);
    }
    return has_wanted;
  };
}

Method text_method(std::string (*f)(std::string_view)) {
  return [f](const Context& c) -> Value {
    c.bind({});
    return f(c.text());
  };
}

const Methods& text_methods() {
  static const Methods methods = {
      {"capitalize", text_method(capitalize_text)},
      {"count",
       [](const Context& c) -> Value { return count_text(c.text(), c.bind({"sub"}).text(0)); }},
      {"endswith", [](const Context& c) { return affix_method(c, true); }},
      {"find", [](const Context& c) { return find_method(c, false, false); }},
      {"index", [](const Context& c) { return find_method(c, false, true); }},
      {"isalnum", class_method(is_letter_or_number)},
      {"isalpha", class_method(is_letter)},
      {"isdigit", class_method(is_digit)},
      {"islower", case_method(UCHAR_LOWERCASE, UCHAR_UPPERCASE)},
      {"isspace", class_method(is_space)},
      {"isupper", case_method(UCHAR_UPPERCASE, UCHAR_LOWERCASE)},
      {"join", join_method},
      {"lower", text_method(lower_text)},
      {"lstrip", strip_method(Side::kLeft)},
      {"partition", [](const Context& c) { return partition_method(c, false); }},
      {"removeprefix", [](const Context& c) { return remove_affix(c, false); }},
      {"removesuffix", [](const Context& c) { return remove_affix(c, true); }},
      {"replace", replace_method},
      {"rfind", [](const Context& c) { return find_method(c, true, false); }},
      {"rpartition", [](const Context& c) { return partition_method(c, true); }},
      {"rsplit", [](const Context& c) { return split_method(c, true); }},
      {"rstrip", strip_method(Side::kRight)},
      {"split", [](const Context& c) { return split_method(c, false); }},
      {"splitlines",
       [](const Context& c) {
         return texts(split_lines(c.text(), c.bind({"keepends"}).flag(0, false)),
                      SequenceKind::kList, c.budget);
       }},
      {"startswith", [](const Context& c) { return affix_method(c, false); }},
      {"strip", strip_method(Side::kBoth)},
      {"upper", text_method(upper_text)},
  };
  return methods;
}

Value dict_view(const Context& c, SequenceKind kind) {
  c.bind({});
  const auto& entries = c.object.dict().items;
  c.budget.allocate(entries.size() * 2 * sizeof(Value));
  std::vector<Value> items;
  for (const auto& [key, value] : entries) {
    if (kind == SequenceKind::kItems)
      items.push_back(Value::sequence(SequenceKind::kTuple, {key, value}));
    else
      items.push_back(kind == SequenceKind::kKeys ? Value(key) : value);
  }
  return Value::sequence(kind, std::move(items));
}

Value get_method(const Context& c) {
  const Bound args = c.bind({"key", "default"});
  const Value& key = args.need(0);
  const Value* found = key.is_text() ? c.object.dict().find(key.text()) : nullptr;
  if (found != nullptr) return *found;
  return args.get(1) == nullptr ? Value() : *args.get(1);
}

const Methods& dict_methods() {
  static const Methods methods = {
      {"copy", [](const Context& c) { return c.object; }},
      {"get", get_method},
      {"items", [](const Context& c) { return dict_view(c, SequenceKind::kItems); }},
      {"keys", [](const Context& c) { return dict_view(c, SequenceKind::kKeys); }},
      {"values", [](const Context& c) { return dict_view(c, SequenceKind::kValues); }},
  };
  return methods;
}

Value sequence_count(const Context& c) {
  const Bound args = c.bind({"value"});
  const auto& items = c.object.sequence().items;
  c.budget.step(items.size());
  return static_cast<int64_t>(std::count_if(
      items.begin(), items.end(), [&](const Value& item) { return equal(item, args.need(0)); }));
}

Value sequence_index(const Context& c) {
  const Bound args = c.bind({"value"});
  const auto& items = c.object.sequence().items;
  c.budget.step(items.size());
  for (size_t i = 0; i < items.size(); ++i)
    if (equal(items[i], args.need(0))) return static_cast<int64_t>(i);
  throw Fault("index(): the value is not there");
}

const Methods& sequence_methods() {
  static const Methods methods = {{"count", sequence_count}, {"index", sequence_index}};
  return methods;
}

// Loops have methods of their own, but these see no budget for printing.
Value loop_method(LoopState& loop, const std::string& name, const Call& call) {
  if (!call.named.empty()) throw Fault(fmt::format("loop.{}() takes no named arguments", name));
  if (name == "cycle") {
    if (call.positional.empty()) throw Fault("loop.cycle() needs an argument");
    return call.positional[(loop.given - 1) % call.positional.size()];
  }
  const bool is_same = loop.has_changed_before &&
                       std::equal(call.positional.begin(), call.positional.end(),
                                  loop.last_changed.begin(), loop.last_changed.end(), equal);
  loop.has_changed_before = true;
  loop.last_changed = call.positional;
  return !is_same;
}

const Methods* methods_of(const Value& value) {
  if (value.is_text()) return &text_methods();
  if (value.is_dict()) return &dict_methods();
  if (!value.is_sequence()) return nullptr;
  const SequenceKind kind = value.sequence().kind;
  return kind == SequenceKind::kList || kind == SequenceKind::kTuple || kind == SequenceKind::kRange
             ? &sequence_methods()
             : nullptr;
}

// What Python's types have besides.
bool is_unsupported(const Value& value, const std::string& name) {
  static const std::set<std::string> kText = {
      "casefold",    "center",   "encode",    "expandtabs",   "format",
      "format_map",  "isascii",  "isdecimal", "isidentifier", "isnumeric",
      "isprintable", "istitle",  "ljust",     "maketrans",    "rindex",
      "rjust",       "swapcase", "title",     "translate",    "zfill"};
  static const std::set<std::string> kDict = {"clear",   "fromkeys",   "pop",
                                              "popitem", "setdefault", "update"};
  static const std::set<std::string> kList = {"append", "clear",  "copy",    "extend", "insert",
                                              "pop",    "remove", "reverse", "sort"};
  static const std::set<std::string> kNumber = {
      "real",      "imag",     "numerator",  "denominator", "bit_length",       "bit_count",
      "conjugate", "to_bytes", "from_bytes", "is_integer",  "as_integer_ratio", "hex",
      "fromhex"};
  static const std::set<std::string> kView = {"mapping", "isdisjoint", "send", "throw",
                                              "close",   "start",      "stop", "step"};
  if (value.is_text()) return kText.count(name) != 0;
  if (value.is_dict()) return kDict.count(name) != 0;
  if (value.is_number()) return kNumber.count(name) != 0;
  if (!value.is_sequence()) return false;
  if (value.sequence().kind == SequenceKind::kList) return kList.count(name) != 0;
  return value.sequence().kind != SequenceKind::kTuple && kView.count(name) != 0;
}

}  // namespace

bool is_method(const Value& value, const std::string& name) {
  if (is_unsupported(value, name))
    throw Fault(fmt::format("\"{}\" of a {} is not supported", name, value.type_name()));
  const Methods* methods = methods_of(value);
  return methods != nullptr && methods->count(name) != 0;
}

Value call_method(const Value& object, const std::string& name, const Call& call, Budget& budget) {
  if (object.is<LoopState*>()) return loop_method(*object.pointer<LoopState>(), name, call);
  if (object.is_markup()) throw Fault("methods of a text marked safe are not supported");
  if (object.is_text()) budget.allocate(object.text().size());
  return methods_of(object)->at(name)({object, name, call, budget});
}

}  // namespace pgtrain::jinja
