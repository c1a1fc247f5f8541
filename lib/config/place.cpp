#include "config/place.h"

#include <algorithm>
#include <string_view>

#include "core/error.h"

namespace pgtrain {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; }

std::string_view line_of(std::string_view text, size_t line) {
  size_t start = 0;
  for (size_t i = 1; i < line; ++i) {
    const size_t end = text.find('\n', start);
    if (end == std::string_view::npos) return {};
    start = end + 1;
  }
  const std::string_view rest = text.substr(start);
  const std::string_view found = rest.substr(0, rest.find('\n'));
  return found.substr(0, found.find('\r'));
}

size_t code_points(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

}  // namespace

std::string Place::text() const {
  if (source == nullptr) return "default";
  if (line == 0) return source->name;
  const std::string_view before = line_of(source->text, line).substr(0, column - 1);
  return fmt::format("{}:{}:{}", source->name, line, code_points(before) + 1);
}

std::string Place::excerpt() const {
  constexpr size_t kBefore = 60;  // bytes shown at most before and after the column
  constexpr size_t kAfter = 60;
  if (source == nullptr || line == 0) return "";
  const std::string_view whole = line_of(source->text, line);
  if (whole.empty()) return "";
  const size_t at = std::min(column - 1, whole.size());
  size_t start = at > kBefore ? at - kBefore : 0;
  while (start < at && continues(whole[start])) ++start;
  size_t end = std::min(whole.size(), at + kAfter);
  while (end < whole.size() && continues(whole[end])) ++end;
  std::string shown(whole.substr(start, end - start));
  std::string pointer;
  for (const char c : whole.substr(start, at - start))
    if (!continues(c)) pointer += c == '\t' ? '\t' : ' ';
  return shown + "\n" + pointer + "^\n";
}

}  // namespace pgtrain
