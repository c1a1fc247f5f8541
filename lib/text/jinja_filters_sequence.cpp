// Filters of lists and dictionaries.
#include <algorithm>
#include <charconv>

#include "text/jinja_filter_context.h"
#include "text/jinja_filters.h"
#include "text/jinja_operators.h"
#include "text/jinja_tests.h"
#include "text/jinja_text.h"
#include "text/unicode.h"

namespace pgtrain::jinja {
namespace {

Value generator(std::vector<Value> items, Budget& budget) {
  budget.allocate(items.size() * sizeof(Value));
  return Value::sequence(SequenceKind::kGenerator, std::move(items));
}

Value count(const FilterContext& c) {
  c.bind({});
  return length(c.value);
}

Value first(const FilterContext& c) {
  c.bind({});
  if (c.value.is_sequence() && c.value.sequence().kind == SequenceKind::kGenerator) {
    const Sequence& s = c.value.sequence();
    if (s.position < s.items.size()) return s.items[s.position++];
  } else {
    const std::vector<Value> items = c.items();
    if (!items.empty()) return items.front();
  }
  return Value::undefined("the first of no items");
}

// Python's reversed(): not of generators.
std::vector<Value> reversed_items(const FilterContext& c) {
  if (c.value.is_undefined()) throw Fault(c.value.describe());
  if (c.value.is_sequence() && c.value.sequence().kind == SequenceKind::kGenerator)
    throw Fault(c.what() + " of a generator; use the filter list before");
  std::vector<Value> items = c.items();
  std::reverse(items.begin(), items.end());
  return items;
}

Value last(const FilterContext& c) {
  c.bind({});
  const std::vector<Value> items = reversed_items(c);
  return items.empty() ? Value::undefined("the last of no items") : items.front();
}

Value reverse(const FilterContext& c) {
  c.bind({});
  if (!c.value.is_text()) return generator(reversed_items(c), c.budget);
  std::u32string text = decode_utf8(c.text());
  std::reverse(text.begin(), text.end());
  return encode_utf8(text);
}

Value to_list(const FilterContext& c) {
  c.bind({});
  return Value::list(c.items());
}

Value items(const FilterContext& c) {
  c.bind({});
  if (c.value.is_undefined()) return generator({}, c.budget);
  if (!c.value.is_dict())
    throw Fault(fmt::format("{} of {}, not of a dict", c.what(), c.value.describe()));
  std::vector<Value> pairs;
  for (const auto& [key, value] : c.value.dict().items)
    pairs.push_back(Value::sequence(SequenceKind::kTuple, {key, value}));
  return generator(std::move(pairs), c.budget);
}

Value join(const FilterContext& c) {
  const Bound args = c.bind({"d", "attribute"});
  const std::string separator = args.get(0) == nullptr ? "" : print(*args.get(0), c.budget);
  std::string result;
  bool is_first = true;
  for (const Value& item : c.items()) {
    const Value part = args.get(1) == nullptr || args.get(1)->is_none()
                           ? item
                           : attribute_path(item, *args.get(1), c.budget);
    c.budget.allocate(separator.size());
    if (!is_first) result += separator;
    is_first = false;
    result += print(part, c.budget);
  }
  return result;
}

// What is compared of an item: an attribute when one is named; texts in lower case unless
// case-sensitive.
class SortKey {
 public:
  SortKey(const Value* attribute, bool case_sensitive, Budget& budget)
      : attribute_(attribute == nullptr || attribute->is_none() ? nullptr : attribute),
        case_sensitive_(case_sensitive),
        budget_(budget) {}

  Value operator()(const Value& item) const {
    const Value key = attribute_ == nullptr ? item : attribute_path(item, *attribute_, budget_);
    if (case_sensitive_ || !key.is_text()) return key;
    budget_.allocate(key.text().size());
    return lower_text(key.text());
  }

 private:
  const Value* attribute_;
  bool case_sensitive_;
  Budget& budget_;
};

struct Keyed {
  Value key;
  Value item;
};

std::vector<Value> sorted(const std::vector<Value>& items, const SortKey& key, bool descending,
                          Budget& budget) {
  std::vector<Keyed> keyed;
  keyed.reserve(items.size());
  for (const Value& item : items) keyed.push_back({key(item), item});
  const auto less = [&](const Keyed& a, const Keyed& b) {
    budget.step();
    return descending ? compare(b.key, a.key) < 0 : compare(a.key, b.key) < 0;
  };
  std::stable_sort(keyed.begin(), keyed.end(), less);
  std::vector<Value> result;
  for (Keyed& one : keyed) result.push_back(std::move(one.item));
  return result;
}

Value sort(const FilterContext& c) {
  const Bound args = c.bind({"reverse", "case_sensitive", "attribute"});
  const SortKey key(args.get(2), args.flag(1, false), c.budget);
  return Value::list(sorted(c.items(), key, args.flag(0, false), c.budget));
}

Value sort_dict(const FilterContext& c) {
  const Bound args = c.bind({"case_sensitive", "by", "reverse"});
  if (!c.value.is_dict())
    throw Fault(fmt::format("{} of {}, not of a dict", c.what(), c.value.describe()));
  const std::string by = args.get(1) == nullptr ? "key" : args.text(1);
  if (by != "key" && by != "value") throw Fault(c.what() + ": \"by\" must be key or value");
  std::vector<Value> pairs;
  for (const auto& [key, value] : c.value.dict().items)
    pairs.push_back(Value::sequence(SequenceKind::kTuple, {key, value}));
  const Value place(int64_t{by == "key" ? 0 : 1});
  const SortKey key(&place, args.flag(0, false), c.budget);
  return Value::list(sorted(pairs, key, args.flag(2, false), c.budget));
}

Value unique(const FilterContext& c) {
  const Bound args = c.bind({"case_sensitive", "attribute"});
  const SortKey key(args.get(1), args.flag(0, false), c.budget);
  std::vector<Value> seen;
  std::vector<Value> kept;
  for (const Value& item : c.items()) {
    Value k = key(item);
    require_hashable(k, "an item of unique");
    c.budget.step(1 + seen.size());
    if (std::any_of(seen.begin(), seen.end(), [&](const Value& s) { return equal(s, k); }))
      continue;
    seen.push_back(std::move(k));
    kept.push_back(item);
  }
  return generator(std::move(kept), c.budget);
}

// The first of the smallest (sign 1) or largest (sign -1) items.
Filter extreme(int sign) {
  return [sign](const FilterContext& c) {
    const Bound args = c.bind({"case_sensitive", "attribute"});
    const SortKey key(args.get(1), args.flag(0, false), c.budget);
    const std::vector<Value> all = c.items();
    if (all.empty()) return Value::undefined("the extreme of no items");
    size_t best = 0;
    for (size_t i = 1; i < all.size(); ++i)
      if (sign * compare(key(all[i]), key(all[best])) < 0) best = i;
    return all[best];
  };
}

Value sum(const FilterContext& c) {
  const Bound args = c.bind({"attribute", "start"});
  Value total = args.get(1) == nullptr ? Value(int64_t{0}) : *args.get(1);
  for (const Value& item : c.items()) {
    const bool is_whole = args.get(0) == nullptr || args.get(0)->is_none();
    total = binary("+", total, is_whole ? item : attribute_path(item, *args.get(0), c.budget),
                   c.budget);
  }
  return total;
}

// What map and select go through: Jinja passes over everything that is false, none too.
std::vector<Value> items_or_none(const FilterContext& c) {
  return truth(c.value) ? c.items() : std::vector<Value>();
}

// map(attribute=..., default=...) and map("filter", arguments...).
Value map_items(const FilterContext& c) {
  std::vector<Value> result;
  if (c.call.positional.empty()) {
    const Value* path = nullptr;
    const Value* otherwise = nullptr;
    for (const auto& [name, value] : c.call.named) {
      if (name != "attribute" && name != "default")
        throw Fault(fmt::format("{} has no argument \"{}\"", c.what(), name));
      (name == "attribute" ? path : otherwise) = &value;
    }
    if (path == nullptr) throw Fault(c.what() + " needs a filter or an attribute");
    for (const Value& item : items_or_none(c))
      result.push_back(attribute_path(item, *path, c.budget, otherwise));
    return generator(std::move(result), c.budget);
  }
  if (!c.call.positional[0].is_text()) throw Fault(c.what() + " needs the name of a filter");
  Call rest{{c.call.positional.begin() + 1, c.call.positional.end()}, c.call.named};
  for (const Value& item : items_or_none(c))
    result.push_back(run_filter(c.call.positional[0].text(), item, rest, c.budget));
  return generator(std::move(result), c.budget);
}

// select, reject, selectattr, rejectattr: the items of which a test holds, truth without a test.
Filter choose(bool by_attribute, bool keeps) {
  return [by_attribute, keeps](const FilterContext& c) {
    const std::vector<Value>& given = c.call.positional;
    const size_t at = by_attribute ? 1 : 0;
    if (given.size() < at) throw Fault(c.what() + " needs an attribute");
    const bool has_test = given.size() > at;
    if (has_test && !given[at].is_text()) throw Fault(c.what() + " needs the name of a test");
    Call rest{{}, c.call.named};
    for (size_t i = at + 1; i < given.size(); ++i) rest.positional.push_back(given[i]);
    std::vector<Value> result;
    for (const Value& item : items_or_none(c)) {
      const Value value = by_attribute ? attribute_path(item, given[0], c.budget) : item;
      const bool holds =
          has_test ? run_test(given[at].text(), value, rest, c.budget) : truth(value);
      if (holds == keeps) result.push_back(item);
    }
    return generator(std::move(result), c.budget);
  };
}

}  // namespace

Value attribute_path(const Value& value, const Value& path, Budget& budget,
                     const Value* otherwise) {
  const bool has_default = otherwise != nullptr && !otherwise->is_none();
  const auto or_default = [&](const Value& found) {
    return has_default && found.is_undefined() ? *otherwise : found;
  };
  if (path.is_integer()) return or_default(item(value, path, budget));
  if (!path.is_text()) throw Fault(fmt::format("an attribute is a text, not {}", path.describe()));
  Value current = value;
  for (const std::string& part : split_at(path.text(), ".", -1)) {
    budget.step();
    int64_t index = 0;
    const char* end = part.data() + part.size();
    const auto read = std::from_chars(part.data(), end, index);
    const bool is_index = read.ec == std::errc{} && read.ptr == end && part[0] != '-';
    current = or_default(item(current, is_index ? Value(index) : Value(part), budget));
  }
  return current;
}

Filters sequence_filters() {
  return {{"count", count},
          {"dictsort", sort_dict},
          {"first", first},
          {"items", items},
          {"join", join},
          {"last", last},
          {"length", count},
          {"list", to_list},
          {"map", map_items},
          {"max", extreme(-1)},
          {"min", extreme(1)},
          {"reject", choose(false, false)},
          {"rejectattr", choose(true, false)},
          {"reverse", reverse},
          {"select", choose(false, true)},
          {"selectattr", choose(true, true)},
          {"sort", sort},
          {"sum", sum},
          {"unique", unique}};
}

}  // namespace pgtrain::jinja
