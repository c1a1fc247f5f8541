// Lists of values as they are written on the command line: "1e-4,3e-4", "[1,2],[3]", "1..4".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgtrain {

// The most values that a list, and the most runs that a sweep, may have.
constexpr int64_t kMaxSweepRuns = 100000;

// The YAML texts of a list that is cut at its commas; commas in brackets, braces and quotes belong
// to a value, and white space around values does not. An item "1..4" of two integers stands for 1,
// 2, 3, 4. Throws ConfigError (the reason only): an empty list, value or range, an open bracket or
// quote, a control character, more than kMaxSweepRuns values.
std::vector<std::string> parse_value_list(std::string_view text);

// The two sides of "a..b". Throws ConfigError when there is no "..".
std::pair<std::string, std::string> parse_span(std::string_view text);

// One text for all spellings of a number ("1e-3" and "0.001"; "5" and "5.0"); other values as they
// are.
std::string canonical_value(const std::string& text);

}  // namespace pgtrain
