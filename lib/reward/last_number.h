// The number that a text ends with, as answers to arithmetic questions are compared.
#pragma once

#include <optional>
#include <string_view>

namespace pgtrain {

// The last number of the text: decimal digits of any script, an optional sign before them that does
// not follow a digit or letter, groups of three after ',' ("1,234"), a fraction after '.' (".5",
// too), an exponent ("1e5"). Nothing when there is none or a double cannot hold it.
std::optional<double> last_number(std::u32string_view text);

}  // namespace pgtrain
