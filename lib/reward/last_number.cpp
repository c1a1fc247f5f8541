#include "reward/last_number.h"

#include <unicode/uchar.h>

#include <cmath>
#include <cstdlib>
#include <string>

#include "text/characters.h"

namespace pgtrain {
namespace {

using View = std::u32string_view;

int32_t digit_at(View text, size_t at) {
  return at < text.size() ? u_charDigitValue(static_cast<UChar32>(text[at])) : -1;
}

bool is_digit_at(View text, size_t at) { return digit_at(text, at) >= 0; }

// Appends the digits from `at` and returns what is behind them.
size_t read_digits(View text, size_t at, std::string& out) {
  for (; is_digit_at(text, at); ++at) out += static_cast<char>('0' + digit_at(text, at));
  return at;
}

// ",234" and no further digit.
bool is_group(View text, size_t at) {
  return at < text.size() && text[at] == U',' && is_digit_at(text, at + 1) &&
         is_digit_at(text, at + 2) && is_digit_at(text, at + 3) && !is_digit_at(text, at + 4);
}

size_t read_integer(View text, size_t at, std::string& out) {
  const size_t begin = at;
  at = read_digits(text, at, out);
  if (at - begin > 3) return at;
  while (is_group(text, at)) at = read_digits(text, at + 1, out);
  return at;
}

size_t read_fraction(View text, size_t at, std::string& out) {
  if (at >= text.size() || text[at] != U'.' || !is_digit_at(text, at + 1)) return at;
  out += '.';
  return read_digits(text, at + 1, out);
}

size_t read_exponent(View text, size_t at, std::string& out) {
  if (at >= text.size() || (text[at] != U'e' && text[at] != U'E')) return at;
  size_t digits = at + 1;
  const bool has_sign = digits < text.size() && (text[digits] == U'-' || text[digits] == U'+');
  if (has_sign) ++digits;
  if (!is_digit_at(text, digits)) return at;
  out += 'e';
  if (has_sign) out += text[digits - 1] == U'-' ? '-' : '+';
  return read_digits(text, digits, out);
}

// U+2212 is the minus sign of typography.
bool has_minus_before(View text, size_t at) {
  if (at == 0 || (text[at - 1] != U'-' && text[at - 1] != U'\u2212')) return false;
  return at == 1 || !is_word_character(text[at - 2]);
}

}  // namespace

std::optional<double> last_number(std::u32string_view text) {
  std::string last;
  for (size_t i = 0; i < text.size();) {
    const bool is_fraction = text[i] == U'.' && is_digit_at(text, i + 1);  // ".5"
    if (!is_fraction && !is_digit_at(text, i)) {
      ++i;
      continue;
    }
    last = has_minus_before(text, i) ? "-" : "";
    i = is_fraction ? i : read_integer(text, i, last);
    i = read_fraction(text, i, last);
    i = read_exponent(text, i, last);
  }
  if (last.empty()) return std::nullopt;
  const double value = std::strtod(last.c_str(), nullptr);
  const bool has_vanished = value == 0 && last.find_first_of("123456789") < last.find('e');
  if (!std::isfinite(value) || has_vanished) return std::nullopt;
  return value;
}

}  // namespace pgtrain
