#include "config/scalar.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstddef>

#include "core/error.h"

namespace pgtrain {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// YAML 1.1 knows three spellings of its words: yes, Yes and YES.
bool has_word_case(const std::string& text) {
  const auto upper =
      std::count_if(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  return upper == 0 || upper == static_cast<std::ptrdiff_t>(text.size()) ||
         (upper == 1 && text[0] >= 'A' && text[0] <= 'Z');
}

// The part of a number between its sign and its exponent, and what is wrong with its notation.
struct Notation {
  bool valid = false;       // digits [. digits] [e [sign] digits]
  bool is_integer = false;  // digits only
  size_t whole_digits = 0;
};

Notation notation_of(std::string_view text) {
  Notation result;
  size_t at = 0;
  const auto digits = [&] {
    const size_t start = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - start;
  };
  result.whole_digits = digits();
  size_t fraction = 0;
  result.is_integer = at == text.size();
  if (at < text.size() && text[at] == '.') {
    ++at;
    fraction = digits();
  }
  if (result.whole_digits + fraction == 0) return result;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return result;
  }
  result.valid = at == text.size();
  return result;
}

std::string_view without_sign(std::string_view text) {
  return !text.empty() && (text[0] == '+' || text[0] == '-') ? text.substr(1) : text;
}

// Throws for every notation that other readers take for another number than a person would.
Notation checked_notation(const std::string& text) {
  const std::string_view body = without_sign(text);
  const std::string word = lower(std::string(body));
  if (word == ".inf" || word == ".nan" || word == "inf" || word == "nan" || word == "infinity")
    throw ConfigError("it must be finite");
  if (word.size() > 1 && word[0] == '0' && (word[1] == 'x' || word[1] == 'o' || word[1] == 'b'))
    throw ConfigError("only decimal digits are allowed here");
  if (word.find('_') != std::string::npos &&
      word.find_first_not_of("0123456789_.e+-") == std::string::npos)
    throw ConfigError("underscores are not allowed in numbers");
  const Notation notation = notation_of(body);
  if (notation.valid && notation.whole_digits > 1 && body[0] == '0')
    throw ConfigError("a leading zero makes it octal for some YAML readers; write it without");
  return notation;
}

double to_double(std::string_view text) {
  if (text[0] == '+') text.remove_prefix(1);
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || !std::isfinite(value))
    throw ConfigError("it does not fit into a 64-bit floating-point number");
  return value;
}

bool is_plain(const std::string& text) {
  if (text.empty() || !(is_letter(text[0]) || text[0] == '/' || text[0] == '_')) return false;
  for (const char c : text)
    if (!is_letter(c) && !is_digit(c) && c != '_' && c != '/' && c != '.' && c != '-') return false;
  static constexpr std::array<const char*, 9> kReserved = {"true", "false", "yes", "no", "on",
                                                           "off",  "null",  "y",   "n"};
  const std::string word = lower(text);
  return std::none_of(kReserved.begin(), kReserved.end(),
                      [&](const char* other) { return word == other; });
}

// The escape of the character that starts at text[at], or "" when it stands for itself; sets its
// length.
std::string escape_at(const std::string& text, size_t at, size_t& length) {
  length = 1;
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte == '"' || byte == '\\') return std::string("\\") + text[at];
  if (byte == '\n') return "\\n";
  if (byte == '\t') return "\\t";
  if (byte == '\r') return "\\r";
  if (byte < 0x20 || byte == 0x7f) return fmt::format("\\x{:02x}", static_cast<unsigned>(byte));
  // Line breaks and the byte order mark beyond ASCII, which readers may fold or drop.
  const std::string_view rest = std::string_view(text).substr(at);
  length = 2;
  if (rest.substr(0, 2) == "\xc2\x85") return "\\x85";
  length = 3;
  if (rest.substr(0, 3) == "\xe2\x80\xa8") return "\\u2028";
  if (rest.substr(0, 3) == "\xe2\x80\xa9") return "\\u2029";
  if (rest.substr(0, 3) == "\xef\xbb\xbf") return "\\ufeff";
  length = 1;
  return "";
}

}  // namespace

std::string kind_name(const Scalar& value) {
  static constexpr std::array<const char*, 5> kNames = {"boolean", "integer", "number", "text",
                                                        "list of texts"};
  return kNames[value.index()];
}

bool parse_boolean(const std::string& text) {
  const std::string word = has_word_case(text) ? lower(text) : "";
  if (word == "true" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "no" || word == "off") return false;
  throw ConfigError("write true or false");
}

int64_t parse_integer(const std::string& text) {
  const Notation notation = checked_notation(text);
  if (!notation.valid) throw ConfigError("it is not a number");
  if (notation.is_integer) {
    const char* begin = text.data() + (text[0] == '+' ? 1 : 0);
    int64_t value = 0;
    if (std::from_chars(begin, text.data() + text.size(), value).ec != std::errc())
      throw ConfigError("it does not fit into a 64-bit integer");
    return value;
  }
  constexpr double kExact = 9007199254740992.0;  // 2^53: beyond it doubles skip integers
  const double value = to_double(text);
  if (value != std::trunc(value)) throw ConfigError("it is not a whole number");
  if (std::abs(value) > kExact)
    throw ConfigError("it is too large for this notation; write all its digits");
  return static_cast<int64_t>(value);
}

double parse_number(const std::string& text) {
  if (!checked_notation(text).valid) throw ConfigError("it is not a number");
  return to_double(text);
}

std::string scalar_text(const Scalar& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const auto* number = std::get_if<double>(&value)) return number_text(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return yaml_text(*text);
  std::string list = "[";
  for (const std::string& text : std::get<std::vector<std::string>>(value)) {
    if (list.size() > 1) list += ", ";
    list += yaml_text(text);
  }
  return list + "]";
}

std::string number_text(double value) {
  if (std::isnan(value)) return ".nan";
  if (std::isinf(value)) return value < 0 ? "-.inf" : ".inf";
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string text(buffer.data(), end);
  if (text.find('.') == std::string::npos) text.insert(std::min(text.find('e'), text.size()), ".0");
  return text;
}

std::string yaml_text(const std::string& text) {
  if (is_plain(text)) return text;
  std::string result = "\"";
  for (size_t at = 0, length = 1; at < text.size(); at += length) {
    const std::string escape = escape_at(text, at, length);
    result += escape.empty() ? text.substr(at, length) : escape;
  }
  return result + "\"";
}

std::string in_quotes(std::string_view text) {
  constexpr size_t kLongest = 80;
  size_t length = std::min(text.size(), kLongest);
  // Back to the start of a character.
  while (length > 0 && length < text.size() &&
         (static_cast<unsigned char>(text[length]) & 0xc0U) == 0x80)
    --length;
  std::string shown(text.substr(0, length));
  if (length < text.size()) shown += "...";
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return "'" + shown + "'";
}

std::string elements_text(size_t count) {
  return std::to_string(count) + (count == 1 ? " element" : " elements");
}

}  // namespace pgtrain
