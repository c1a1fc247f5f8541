// Tables of texts: aligned for a terminal, or CSV.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pgtrain {

// Code points, which is what a terminal counts for most scripts.
size_t width_of(std::string_view text);

enum class Align { kLeft, kRight };

// Rows of as many cells as the first, two spaces between columns, no spaces at the ends of lines.
std::string aligned_table(const std::vector<std::vector<std::string>>& rows, Align align);

// The text as a field of RFC 4180, on one line: what has no visible form is escaped (escape_text),
// then quoted where that is needed.
std::string csv_field(std::string_view text);

}  // namespace pgtrain
