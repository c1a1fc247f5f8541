// The values that one option can hold: their strict reading from plain YAML text and their
// canonical text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pgtrain {

using Scalar = std::variant<bool, int64_t, double, std::string, std::vector<std::string>>;

// "boolean", "integer", "number", "text" or "list of texts".
std::string kind_name(const Scalar& value);

// Each reads an unquoted YAML scalar and throws ConfigError (the reason only, no key and no place).
// true/false/yes/no/on/off, in lower, upper or title case.
bool parse_boolean(const std::string& text);
// Decimal digits with a sign, or a real notation whose value is an exact integer (1e3). No octal,
// hexadecimal or binary digits, no leading zero, no underscores.
int64_t parse_integer(const std::string& text);
// Decimal, finite, under the same rules.
double parse_number(const std::string& text);

// The value as one line of YAML that reads back to the same value, bit for bit.
std::string scalar_text(const Scalar& value);
// The shortest decimal text that reads back to the same double; always with a point, so that every
// YAML reader sees a real number: 1.0, 0.001, 1.0e-05.
std::string number_text(double value);
// The text plain where every YAML reader takes that for the same text, else in double quotes.
std::string yaml_text(const std::string& text);

// For messages: the text in single quotes, control characters replaced, cut when it is long.
std::string in_quotes(std::string_view text);
// "1 element", "3 elements".
std::string elements_text(size_t count);

}  // namespace pgtrain
