#include "text/jinja_print.h"

#include <spdlog/fmt/fmt.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "text/unicode.h"

namespace pgtrain::jinja {
namespace {

// Digits and exponent of the shortest decimal that reads back as the number: d.ddd x 10^exponent.
struct Decimal {
  std::string digits;
  int exponent = 0;
};

Decimal shortest_decimal(double value) {
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific);
  const std::string text(buffer.data(), end.ptr);
  const size_t e = text.find('e');
  Decimal decimal;
  for (char c : text.substr(0, e))
    if (c != '.') decimal.digits += c;
  decimal.exponent = std::stoi(text.substr(e + 1));
  return decimal;
}

// float.__repr__: fixed point for exponents -4..15, scientific else.
std::string finite_repr(double value) {
  const std::string sign = std::signbit(value) ? "-" : "";
  Decimal d = shortest_decimal(std::abs(value));
  if (d.exponent < -4 || d.exponent >= 16) {
    const std::string fraction = d.digits.size() > 1 ? "." + d.digits.substr(1) : "";
    return fmt::format("{}{}{}e{}{:02}", sign, d.digits[0], fraction, d.exponent < 0 ? '-' : '+',
                       std::abs(d.exponent));
  }
  if (d.exponent < 0)
    return sign + "0." + std::string(static_cast<size_t>(-d.exponent - 1), '0') + d.digits;
  const auto whole = static_cast<size_t>(d.exponent) + 1;
  if (d.digits.size() < whole) d.digits.resize(whole, '0');
  const std::string fraction = d.digits.size() > whole ? d.digits.substr(whole) : "0";
  return sign + d.digits.substr(0, whole) + "." + fraction;
}

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  return finite_repr(value);
}

std::string escape_code(char32_t c) {
  const auto code = static_cast<uint32_t>(c);
  if (code < 0x100) return fmt::format("\\x{:02x}", code);
  return code < 0x10000 ? fmt::format("\\u{:04x}", code) : fmt::format("\\U{:08x}", code);
}

std::string text_repr(const std::string& text) {
  const bool has_single = text.find('\'') != std::string::npos;
  const char quote = has_single && text.find('"') == std::string::npos ? '"' : '\'';
  std::string result(1, quote);
  for (char32_t c : decode_utf8(text)) {
    if (c == static_cast<char32_t>(quote) || c == U'\\')
      (result += '\\') += static_cast<char>(c);
    else if (c == U'\n' || c == U'\r' || c == U'\t')
      result += c == U'\n' ? "\\n" : (c == U'\r' ? "\\r" : "\\t");
    else if (is_printable(c))
      append_utf8(result, c);
    else
      result += escape_code(c);
  }
  return result + quote;
}

class Printer {
 public:
  explicit Printer(Budget& budget) : budget_(budget) {}

  std::string repr(const Value& value) {
    std::string result = raw_repr(value);
    budget_.allocate(result.size());
    return result;
  }

 private:
  std::string raw_repr(const Value& value) {
    if (value.is_undefined()) return "Undefined";
    if (value.is_none()) return "None";
    if (value.is_bool()) return value.boolean() ? "True" : "False";
    if (value.is<int64_t>()) return std::to_string(value.integer());
    if (value.is<double>()) return float_repr(value.number());
    if (value.is_text() && !value.is_markup()) return text_repr(value.text());
    if (value.is_sequence()) return sequence_repr(value.sequence());
    if (value.is_dict()) return dict_repr(value.dict());
    throw Fault(fmt::format("{} cannot be printed", value.type_name()));
  }

  std::string join(const std::vector<Value>& items) {
    std::string result;
    for (const Value& item : items) result += (result.empty() ? "" : ", ") + repr(item);
    return result;
  }

  std::string sequence_repr(const Sequence& s) {
    switch (s.kind) {
      case SequenceKind::kList:
        return "[" + join(s.items) + "]";
      case SequenceKind::kTuple:
        return "(" + join(s.items) + (s.items.size() == 1 ? ",)" : ")");
      case SequenceKind::kKeys:
        return "dict_keys([" + join(s.items) + "])";
      case SequenceKind::kValues:
        return "dict_values([" + join(s.items) + "])";
      case SequenceKind::kItems:
        return "dict_items([" + join(s.items) + "])";
      case SequenceKind::kRange:
      case SequenceKind::kGenerator:
        break;
    }
    throw Fault("range objects and generators cannot be printed; use the filter list");
  }

  std::string dict_repr(const Dict& dict) {
    std::string result;
    for (const auto& [key, item] : dict.items)
      result += (result.empty() ? "" : ", ") + text_repr(key) + ": " + repr(item);
    return "{" + result + "}";
  }

  Budget& budget_;
};

class JsonWriter {
 public:
  JsonWriter(const JsonStyle& style, Budget& budget) : style_(style), budget_(budget) {}

  std::string run(const Value& value) {
    write(value, 0);
    return std::move(out_);
  }

 private:
  void write(const Value& value, int level) {
    const size_t before = out_.size();
    budget_.step();
    if (value.is_none())
      out_ += "null";
    else if (value.is_bool())
      out_ += value.boolean() ? "true" : "false";
    else if (value.is<int64_t>())
      out_ += std::to_string(value.integer());
    else if (value.is<double>())
      write_float(value.number());
    else if (value.is_text())
      write_text(value.text());
    else if (value.is_sequence() && (value.sequence().kind == SequenceKind::kList ||
                                     value.sequence().kind == SequenceKind::kTuple))
      return write_list(value.sequence(), level);
    else if (value.is_dict())
      return write_dict(value.dict(), level);
    else
      throw Fault(fmt::format("{}: not a value that JSON holds", value.describe()));
    budget_.allocate(out_.size() - before);
  }

  void write_float(double value) {
    if (std::isfinite(value))
      out_ += finite_repr(value);
    else
      out_ += std::isnan(value) ? "NaN" : (value < 0 ? "-Infinity" : "Infinity");
  }

  void write_unit(uint32_t unit) { out_ += fmt::format("\\u{:04x}", unit); }

  void write_text(const std::string& text) {
    static constexpr std::u32string_view kSpecial = U"\"\\\n\r\t\b\f";
    static constexpr std::string_view kNames = "\"\\nrtbf";
    out_ += '"';
    for (char32_t c : decode_utf8(text)) {
      const size_t special = kSpecial.find(c);
      const auto code = static_cast<uint32_t>(c);
      if (special != std::u32string_view::npos)
        (out_ += '\\') += kNames[special];
      else if (code < 0x20 || (style_.ensure_ascii && code >= 0x7F && code < 0x10000))
        write_unit(code);
      else if (style_.ensure_ascii && code >= 0x10000) {
        write_unit(0xD800 + ((code - 0x10000) >> 10));
        write_unit(0xDC00 + ((code - 0x10000) & 0x3FF));
      } else
        append_utf8(out_, c);
    }
    out_ += '"';
  }

  void write_break(int level) {
    if (!style_.indent) return;
    const size_t bytes = static_cast<size_t>(level) * style_.indent->size() + 1;
    budget_.allocate(bytes);
    out_ += '\n';
    for (int i = 0; i < level; ++i) out_ += *style_.indent;
  }

  void write_list(const Sequence& list, int level) {
    out_ += '[';
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) out_ += style_.item_separator;
      write_break(level + 1);
      write(list.items[i], level + 1);
    }
    if (!list.items.empty()) write_break(level);
    out_ += ']';
  }

  void write_dict(const Dict& dict, int level) {
    std::vector<const std::pair<std::string, Value>*> items;
    for (const auto& item : dict.items) items.push_back(&item);
    if (style_.sort_keys)
      std::stable_sort(items.begin(), items.end(),
                       [](const auto* a, const auto* b) { return a->first < b->first; });
    out_ += '{';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += style_.item_separator;
      write_break(level + 1);
      budget_.allocate(items[i]->first.size());
      write_text(items[i]->first);
      out_ += style_.key_separator;
      write(items[i]->second, level + 1);
    }
    if (!items.empty()) write_break(level);
    out_ += '}';
  }

  const JsonStyle& style_;
  Budget& budget_;
  std::string out_;
};

}  // namespace

bool is_printable(char32_t c) {
  if (c == U' ') return true;
  constexpr uint32_t kHidden = U_GC_C_MASK | U_GC_Z_MASK;
  return (U_MASK(u_charType(static_cast<UChar32>(c))) & kHidden) == 0;
}

std::string print(const Value& value, Budget& budget) {
  if (value.is_undefined()) return "";
  if (value.is_text()) {
    budget.allocate(value.text().size());
    return value.text();
  }
  return Printer(budget).repr(value);
}

std::string dump_json(const Value& value, const JsonStyle& style, Budget& budget) {
  return JsonWriter(style, budget).run(value);
}

}  // namespace pgtrain::jinja
