#include "text/prompt_template.h"

#include <algorithm>
#include <utility>

#include "config/suggest.h"
#include "core/error.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using nlohmann::json;

[[noreturn]] void fail(std::string_view source, size_t byte, const std::string& problem) {
  const size_t column = decode_utf8_lossy(source.substr(0, byte)).size() + 1;
  throw ConfigError(fmt::format("prompt template, column {}: {}", column, problem));
}

std::string show(std::string_view text) { return fmt::format("\"{}\"", escape_text(text)); }

std::vector<std::string> split_path(std::string_view source, size_t begin, size_t end) {
  std::vector<std::string> path;
  for (;;) {
    const size_t dot = std::min(source.find('.', begin), end);
    if (dot == begin)
      fail(source, begin, "the name of a field is empty; write {{ and }} for braces");
    path.emplace_back(source.substr(begin, dot - begin));
    if (dot == end) return path;
    begin = dot + 1;
  }
}

// "meta.author" up to and with element `last`.
std::string path_text(const std::vector<std::string>& path, size_t last) {
  std::string text = path[0];
  for (size_t i = 1; i <= last; ++i) text += "." + path[i];
  return text;
}

[[noreturn]] void fail_missing(const json& object, const std::vector<std::string>& path,
                               size_t level, const std::string& place) {
  std::vector<std::string> present;
  std::string list;
  for (const auto& item : object.items()) {
    present.push_back(item.key());
    list += (list.empty() ? "" : ", ") + show(item.key());
  }
  const std::string close = nearest(path[level], present);
  throw DataError(fmt::format("{}: the prompt template needs the field {}; found: {}{}", place,
                              show(path_text(path, level)), list.empty() ? "nothing" : list,
                              close.empty() ? "" : "; did you mean " + show(close) + "?"));
}

const json& find_field(const json& record, const std::vector<std::string>& path,
                       const std::string& place) {
  const json* value = &record;
  for (size_t i = 0; i < path.size(); ++i) {
    if (!value->is_object())
      throw DataError(
          fmt::format("{}: the prompt template needs the field {}, but {} is {}, not "
                      "an object",
                      place, show(path_text(path, path.size() - 1)),
                      i == 0 ? "the record" : show(path_text(path, i - 1)), value->type_name()));
    const auto found = value->find(path[i]);
    if (found == value->end()) fail_missing(*value, path, i, place);
    value = &*found;
  }
  return *value;
}

}  // namespace

PromptTemplate::PromptTemplate(std::string_view source) {
  const size_t invalid = find_invalid_utf8(source);
  if (invalid != std::string_view::npos) fail(source, invalid, "invalid UTF-8");
  std::string text;
  for (size_t i = 0; i < source.size(); ++i) {
    const char c = source[i];
    const bool is_brace = c == '{' || c == '}';
    if (is_brace && i + 1 < source.size() && source[i + 1] == c)
      ++i;
    else if (c == '}')
      fail(source, i, "\"}\" without \"{\"; write }} for the brace itself");
    else if (c == '{') {
      const size_t end = source.find_first_of("{}", i + 1);
      if (end == std::string_view::npos || source[end] == '{')
        fail(source, i, "\"{\" without \"}\"; write {{ for the brace itself");
      if (!text.empty()) parts_.push_back({std::exchange(text, ""), {}});
      parts_.push_back({"", split_path(source, i + 1, end)});
      i = end;
      continue;
    }
    text += c;
  }
  if (!text.empty()) parts_.push_back({text, {}});
}

std::string PromptTemplate::render(const json& record, const std::string& place) const {
  std::string prompt;
  for (const Part& part : parts_) {
    if (part.path.empty()) {
      prompt += part.text;
      continue;
    }
    const json& value = find_field(record, part.path, place);
    if (value.is_string())
      prompt += value.get_ref<const std::string&>();
    else if (value.is_number() || value.is_boolean())
      prompt += value.dump();
    else
      throw DataError(
          fmt::format("{}: field {} of the prompt template must be a string, a number "
                      "or a boolean, not {}",
                      place, show(path_text(part.path, part.path.size() - 1)), value.type_name()));
  }
  return prompt;
}

}  // namespace pgtrain
