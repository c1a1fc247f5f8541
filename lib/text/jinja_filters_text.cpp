// Filters of texts and numbers.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "text/characters.h"
#include "text/jinja_filter_context.h"
#include "text/jinja_methods.h"
#include "text/jinja_text.h"
#include "text/unicode.h"

namespace pgtrain::jinja {
namespace {

// A filter that is a method of text without arguments.
Filter as_method(const char* method) {
  return [method](const FilterContext& c) {
    c.bind({});
    return call_method(Value(c.text()), method, {}, c.budget);
  };
}

Value trim(const FilterContext& c) {
  const Bound args = c.bind({"chars"});
  Call call;
  if (args.get(0) != nullptr) call.positional.push_back(*args.get(0));
  return call_method(Value(c.text()), "strip", call, c.budget);
}

Value replace(const FilterContext& c) {
  const Bound args = c.bind({"old", "new", "count"});
  for (size_t i : {size_t{0}, size_t{1}})
    if (args.need(i).is_markup())
      throw Fault(c.what() + " with a text marked safe is not supported");
  Call call;
  for (size_t i : {size_t{0}, size_t{1}})
    call.positional.emplace_back(print(args.need(i), c.budget));
  if (args.get(2) != nullptr && !args.get(2)->is_none()) call.positional.push_back(*args.get(2));
  return call_method(Value(c.text()), "replace", call, c.budget);
}

Value escape(const FilterContext& c) {
  c.bind({});
  if (c.value.is_markup()) return c.value;
  std::string result;
  for (char byte : c.text()) {
    if (byte == '&')
      result += "&amp;";
    else if (byte == '<')
      result += "&lt;";
    else if (byte == '>')
      result += "&gt;";
    else if (byte == '\'')
      result += "&#39;";
    else if (byte == '"')
      result += "&#34;";
    else
      result += byte;
  }
  c.budget.allocate(result.size());
  return Value::markup(std::move(result));
}

// Lines after the first one (or all) get `width` spaces in front; empty ones only with `blank`.
Value indent(const FilterContext& c) {
  const Bound args = c.bind({"width", "first", "blank"});
  const bool blank = args.flag(2, false);
  std::string by;
  if (args.get(0) != nullptr && args.get(0)->is_text()) {
    by = args.text(0);
  } else {
    const int64_t width = std::max<int64_t>(0, args.integer(0, 4));
    c.budget.allocate(static_cast<size_t>(width));
    by.assign(static_cast<size_t>(width), ' ');
  }
  if (!c.value.is_text()) throw Fault(fmt::format("{} of {}", c.what(), c.value.describe()));
  // Jinja adds a line end first, so that an empty last line counts.
  const std::vector<std::string> lines = split_lines(c.text() + "\n", false);
  std::string result;
  for (size_t i = 0; i < lines.size(); ++i) {
    c.budget.allocate(by.size() + lines[i].size() + 1);
    if (i > 0) result += "\n";
    const bool is_indented = i == 0 ? args.flag(1, false) : blank || !lines[i].empty();
    result += (is_indented ? by : "") + lines[i];
  }
  return result;
}

std::string number_text(const Value& value) {
  std::string text = strip_text(value.text(), Side::kBoth, std::nullopt);
  if (!text.empty() && text[0] == '+' && text.size() > 1 && text[1] != '-') text.erase(0, 1);
  return text;
}

// int(text) and float(text) of Python for the digits of ASCII; false when it is no number.
template <class Number>
bool read_number(const std::string& text, Number& number) {
  if (text.find('_') != std::string::npos) throw Fault("numbers with \"_\" are not supported");
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec == std::errc::result_out_of_range)
    throw Fault(fmt::format("the number {} is too large", text));
  return read.ec == std::errc{} && read.ptr == end;
}

Value whole_part(double number, const Value& otherwise) {
  if (!std::isfinite(number)) return otherwise;
  if (std::abs(number) >= 9.2e18) throw Fault("the number is too large");
  return static_cast<int64_t>(number);
}

Value to_integer(const FilterContext& c) {
  const Bound args = c.bind({"default", "base"});
  const Value otherwise = args.get(0) == nullptr ? Value(int64_t{0}) : *args.get(0);
  if (args.integer(1, 10) != 10) throw Fault(c.what() + " with another base is not supported");
  if (c.value.is_undefined()) throw Fault(c.value.describe());
  if (c.value.is_integer()) return c.value.integer();
  if (c.value.is<double>()) return whole_part(c.value.number(), otherwise);
  if (!c.value.is_text()) return otherwise;
  const std::string text = number_text(c.value);
  int64_t integer = 0;
  if (read_number(text, integer)) return integer;
  double number = 0;
  return read_number(text, number) ? whole_part(number, otherwise) : otherwise;
}

Value to_float(const FilterContext& c) {
  const Bound args = c.bind({"default"});
  const Value otherwise = args.get(0) == nullptr ? Value(0.0) : *args.get(0);
  if (c.value.is_undefined()) throw Fault(c.value.describe());
  if (c.value.is_number()) return c.value.number();
  double number = 0;
  if (c.value.is_text() && read_number(number_text(c.value), number)) return number;
  return otherwise;
}

Value absolute(const FilterContext& c) {
  c.bind({});
  if (!c.value.is_number()) throw Fault(fmt::format("{} of {}", c.what(), c.value.describe()));
  if (c.value.is<double>()) return std::abs(c.value.number());
  if (c.value.integer() == std::numeric_limits<int64_t>::min())
    throw Fault("the number is too large");
  return std::abs(c.value.integer());
}

// Python's round: to even where two are as near; correct decimals.
double round_common(double number, int64_t precision) {
  if (precision == 0) return std::nearbyint(number);
  return std::stod(fmt::format("{:.{}f}", number, static_cast<int>(precision)));
}

Value round_number(const FilterContext& c) {
  const Bound args = c.bind({"precision", "method"});
  const int64_t precision = args.integer(0, 0);
  const std::string method = args.get(1) == nullptr ? "common" : args.text(1);
  if (!c.value.is_number()) throw Fault(fmt::format("{} of {}", c.what(), c.value.describe()));
  if (precision < 0 || precision > 100) throw Fault(c.what() + ": the precision must be 0 to 100");
  const double number = c.value.number();
  if (method == "common") {
    if (c.value.is_integer()) return c.value.integer();
    return std::isfinite(number) ? round_common(number, precision) : number;
  }
  if (method != "ceil" && method != "floor")
    throw Fault(c.what() + ": the method must be common, ceil or floor");
  const double scale = std::pow(10.0, static_cast<double>(precision));
  return (method == "ceil" ? std::ceil(number * scale) : std::floor(number * scale)) / scale;
}

JsonStyle json_style(const Bound& args, Budget& budget) {
  JsonStyle style;
  style.ensure_ascii = args.flag(0, false);
  style.sort_keys = args.flag(3, false);
  const Value* indent = args.get(1);
  if (indent != nullptr && !indent->is_none()) {
    style.item_separator = ",";
    if (indent->is_text()) {
      style.indent = indent->text();
    } else {
      const int64_t width = std::max<int64_t>(0, args.integer(1, 0));
      budget.allocate(static_cast<size_t>(width));
      style.indent = std::string(static_cast<size_t>(width), ' ');
    }
  }
  const Value* separators = args.get(2);
  if (separators == nullptr || separators->is_none()) return style;
  const bool is_pair = separators->is_sequence() && separators->sequence().items.size() == 2 &&
                       separators->sequence().items[0].is_text() &&
                       separators->sequence().items[1].is_text();
  if (!is_pair) throw Fault("tojson: \"separators\" must be two texts");
  style.item_separator = separators->sequence().items[0].text();
  style.key_separator = separators->sequence().items[1].text();
  return style;
}

Value to_json(const FilterContext& c) {
  const Bound args = c.bind({"ensure_ascii", "indent", "separators", "sort_keys"});
  return dump_json(c.value, json_style(args, c.budget), c.budget);
}

Value use_default(const FilterContext& c) {
  const Bound args = c.bind({"default_value", "boolean"});
  if (!c.value.is_undefined() && !(args.flag(1, false) && !truth(c.value))) return c.value;
  return args.get(0) == nullptr ? Value("") : *args.get(0);
}

Value to_string(const FilterContext& c) {
  c.bind({});
  return c.value.is_text() ? c.value : Value(print(c.value, c.budget));
}

Value mark_safe(const FilterContext& c) {
  c.bind({});
  return c.value.is_markup() ? c.value : Value::markup(c.text());
}

}  // namespace

Filters text_filters() {
  return {{"abs", absolute},
          {"capitalize", as_method("capitalize")},
          {"d", use_default},
          {"default", use_default},
          {"e", escape},
          {"escape", escape},
          {"float", to_float},
          {"indent", indent},
          {"int", to_integer},
          {"lower", as_method("lower")},
          {"replace", replace},
          {"round", round_number},
          {"safe", mark_safe},
          {"string", to_string},
          {"tojson", to_json},
          {"trim", trim},
          {"upper", as_method("upper")}};
}

}  // namespace pgtrain::jinja
