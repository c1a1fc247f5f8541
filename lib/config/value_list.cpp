#include "config/value_list.h"

#include <algorithm>

#include "config/scalar.h"
#include "core/error.h"

namespace pgtrain {
namespace {

std::string trimmed(std::string_view text) {
  const size_t start = text.find_first_not_of(' ');
  if (start == std::string_view::npos) return "";
  return std::string(text.substr(start, text.find_last_not_of(' ') - start + 1));
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// The index behind a quoted YAML scalar that starts at text[at].
size_t skip_quoted(std::string_view text, size_t at) {
  const char quote = text[at];
  for (++at; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      if (quote == '"' || at + 1 >= text.size() || text[at + 1] != quote) return at + 1;
      ++at;
    }
  }
  throw ConfigError(fmt::format("the quote {} is not closed", quote));
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> items;
  size_t start = 0;
  int64_t depth = 0;
  bool is_at_start = true;  // of a scalar, where a quote is one
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (is_at_start && (c == '"' || c == '\'')) {
      at = skip_quoted(text, at);
      is_at_start = false;
      continue;
    }
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth < 0) throw ConfigError(fmt::format("'{}' closes nothing", c));
    if (c == ',' && depth == 0) {
      items.push_back(trimmed(text.substr(start, at - start)));
      start = at + 1;
    }
    if (c != ' ') is_at_start = c == ',' || c == '[' || c == '{' || c == ':';
    ++at;
  }
  if (depth > 0) throw ConfigError("a bracket is not closed");
  items.push_back(trimmed(text.substr(start)));
  return items;
}

bool is_integer(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return !text.empty() && text.size() <= 19 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_integer_span(const std::string& text) {
  const size_t dots = text.find("..");
  return dots != std::string::npos && is_integer(std::string_view(text).substr(0, dots)) &&
         is_integer(std::string_view(text).substr(dots + 2));
}

void append_span(std::vector<std::string>& values, const std::string& text) {
  const auto [first_text, last_text] = parse_span(text);
  const int64_t first = parse_integer(first_text);
  const int64_t last = parse_integer(last_text);
  if (first > last) throw ConfigError(fmt::format("the range {} is empty", text));
  // Unsigned: the difference of any two integers fits.
  if (static_cast<uint64_t>(last) - static_cast<uint64_t>(first) >=
      static_cast<uint64_t>(kMaxSweepRuns))
    throw ConfigError(
        fmt::format("the range {} has more than {} values", in_quotes(text), kMaxSweepRuns));
  for (int64_t value = first; value < last; ++value) values.push_back(std::to_string(value));
  values.push_back(std::to_string(last));
}

}  // namespace

std::vector<std::string> parse_value_list(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), is_control))
    throw ConfigError("control characters are not allowed");
  std::vector<std::string> values;
  for (const std::string& item : split_at_commas(text)) {
    if (item.empty()) throw ConfigError("a value is empty; the empty text is written ''");
    if (is_integer_span(item))
      append_span(values, item);
    else
      values.push_back(item);
    if (static_cast<int64_t>(values.size()) > kMaxSweepRuns)
      throw ConfigError(fmt::format("there are more than {} values", kMaxSweepRuns));
  }
  return values;
}

std::pair<std::string, std::string> parse_span(std::string_view text) {
  const size_t dots = text.find("..");
  if (dots == std::string_view::npos)
    throw ConfigError(
        fmt::format("{} is not a range; it is written 1..4", in_quotes(std::string(text))));
  return {trimmed(text.substr(0, dots)), trimmed(text.substr(dots + 2))};
}

std::string canonical_value(const std::string& text) {
  try {
    return std::to_string(parse_integer(text));
  } catch (const ConfigError&) {
  }
  try {
    return number_text(parse_number(text));
  } catch (const ConfigError&) {
  }
  return text;
}

}  // namespace pgtrain
