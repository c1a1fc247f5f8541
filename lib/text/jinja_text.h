// Operations on text with the meaning of Python's str methods.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgtrain::jinja {

enum class Side { kLeft, kRight, kBoth };

// strip, lstrip, rstrip; without characters white space goes.
std::string strip_text(std::string_view text, Side side, const std::optional<std::string>& chars);

// split and rsplit at white space; at most `limit` cuts, all when it is negative.
std::vector<std::string> split_at_space(std::string_view text, int64_t limit);
std::vector<std::string> split_at_space_from_right(std::string_view text, int64_t limit);
// split and rsplit at a separator that is not empty.
std::vector<std::string> split_at(std::string_view text, std::string_view separator, int64_t limit);
std::vector<std::string> split_at_from_right(std::string_view text, std::string_view separator,
                                             int64_t limit);
std::vector<std::string> split_lines(std::string_view text, bool keep_ends);

// Number of separate occurrences, as str.count and str.replace see them: an empty needle is before
// each character and at the end.
int64_t count_text(std::string_view text, std::string_view needle);
// At most `limit` replacements, all when it is negative.
std::string replace_text(std::string_view text, std::string_view old, std::string_view by,
                         int64_t limit);

std::string upper_text(std::string_view text);
std::string lower_text(std::string_view text);
// Throws Fault when the first character has a capital form of several characters.
std::string capitalize_text(std::string_view text);

// Index in code points of a byte offset.
int64_t character_index(std::string_view text, size_t byte);

}  // namespace pgtrain::jinja
