#include "text/jinja_text.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "text/characters.h"
#include "text/jinja_value.h"
#include "text/unicode.h"

namespace pgtrain::jinja {
namespace {

size_t character_bytes(unsigned char first) {
  return first < 0x80 ? 1 : (first < 0xE0 ? 2 : (first < 0xF0 ? 3 : 4));
}

bool is_left(Side side) { return side != Side::kRight; }
bool is_right(Side side) { return side != Side::kLeft; }

std::vector<std::string> encode_all(const std::vector<std::u32string_view>& parts) {
  std::vector<std::string> texts;
  texts.reserve(parts.size());
  for (const std::u32string_view part : parts) texts.push_back(encode_utf8(part));
  return texts;
}

// Line ends of str.splitlines.
bool is_line_end(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

// An empty needle is found before each character and at the end.
std::string replace_between_characters(std::string_view text, std::string_view by, int64_t limit) {
  std::string result;
  size_t at = 0;
  for (int64_t count = 0; count < limit || limit < 0; ++count) {
    result += by;
    if (at >= text.size()) return result;
    const size_t bytes = character_bytes(static_cast<unsigned char>(text[at]));
    result += text.substr(at, bytes);
    at += bytes;
  }
  return result.append(text.substr(at));
}

}  // namespace

std::string strip_text(std::string_view text, Side side, const std::optional<std::string>& chars) {
  const std::u32string all = decode_utf8(text);
  const std::u32string set = chars ? decode_utf8(*chars) : std::u32string();
  const auto goes = [&](char32_t c) {
    return chars ? set.find(c) != std::u32string::npos : is_space(c);
  };
  std::u32string_view rest = all;
  while (is_left(side) && !rest.empty() && goes(rest.front())) rest.remove_prefix(1);
  while (is_right(side) && !rest.empty() && goes(rest.back())) rest.remove_suffix(1);
  return encode_utf8(rest);
}

std::vector<std::string> split_at_space(std::string_view text, int64_t limit) {
  const std::u32string all = decode_utf8(text);
  std::vector<std::u32string_view> parts;
  std::u32string_view rest = all;
  for (;;) {
    while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
    if (rest.empty()) break;
    size_t end = 0;
    if (limit >= 0 && static_cast<int64_t>(parts.size()) >= limit) {
      parts.push_back(rest);
      break;
    }
    while (end < rest.size() && !is_space(rest[end])) ++end;
    parts.push_back(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  return encode_all(parts);
}

std::vector<std::string> split_at_space_from_right(std::string_view text, int64_t limit) {
  const std::u32string all = decode_utf8(text);
  std::vector<std::u32string_view> parts;
  std::u32string_view rest = all;
  for (;;) {
    while (!rest.empty() && is_space(rest.back())) rest.remove_suffix(1);
    if (rest.empty()) break;
    if (limit >= 0 && static_cast<int64_t>(parts.size()) >= limit) {
      parts.push_back(rest);
      break;
    }
    size_t begin = rest.size();
    while (begin > 0 && !is_space(rest[begin - 1])) --begin;
    parts.push_back(rest.substr(begin));
    rest = rest.substr(0, begin);
  }
  std::reverse(parts.begin(), parts.end());
  return encode_all(parts);
}

std::vector<std::string> split_at(std::string_view text, std::string_view separator,
                                  int64_t limit) {
  std::vector<std::string> parts;
  while (limit < 0 || static_cast<int64_t>(parts.size()) < limit) {
    const size_t end = text.find(separator);
    if (end == std::string_view::npos) break;
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end + separator.size());
  }
  parts.emplace_back(text);
  return parts;
}

std::vector<std::string> split_at_from_right(std::string_view text, std::string_view separator,
                                             int64_t limit) {
  std::vector<std::string> parts;
  while (limit < 0 || static_cast<int64_t>(parts.size()) < limit) {
    const size_t begin = text.rfind(separator);
    if (begin == std::string_view::npos) break;
    parts.emplace_back(text.substr(begin + separator.size()));
    text = text.substr(0, begin);
  }
  parts.emplace_back(text);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string> split_lines(std::string_view text, bool keep_ends) {
  const std::u32string all = decode_utf8(text);
  std::vector<std::u32string_view> lines;
  std::u32string_view rest = all;
  while (!rest.empty()) {
    size_t end = 0;
    while (end < rest.size() && !is_line_end(rest[end])) ++end;
    const bool is_pair = rest.substr(end, 2) == U"\r\n";
    const size_t after = std::min(rest.size(), end + (is_pair ? 2 : 1));
    lines.push_back(rest.substr(0, keep_ends ? after : end));
    rest.remove_prefix(after);
  }
  return encode_all(lines);
}

int64_t count_text(std::string_view text, std::string_view needle) {
  if (needle.empty()) return character_index(text, text.size()) + 1;
  int64_t count = 0;
  for (size_t at = text.find(needle); at != std::string_view::npos;
       at = text.find(needle, at + needle.size()))
    ++count;
  return count;
}

std::string replace_text(std::string_view text, std::string_view old, std::string_view by,
                         int64_t limit) {
  if (old.empty()) return replace_between_characters(text, by, limit);
  std::string result;
  for (int64_t count = 0; count < limit || limit < 0; ++count) {
    const size_t at = text.find(old);
    if (at == std::string_view::npos) break;
    result.append(text.substr(0, at)).append(by);
    text.remove_prefix(at + old.size());
  }
  return result.append(text);
}

std::string upper_text(std::string_view text) {
  std::string result;
  icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())))
      .toUpper(icu::Locale::getRoot())
      .toUTF8String(result);
  return result;
}

std::string lower_text(std::string_view text) { return encode_utf8(lower_case(decode_utf8(text))); }

std::string capitalize_text(std::string_view text) {
  if (text.empty()) return "";
  const size_t bytes = character_bytes(static_cast<unsigned char>(text[0]));
  const std::string_view first = text.substr(0, bytes);
  if (decode_utf8(upper_text(first)).size() != 1)
    throw Fault("the first character has no capital of one character; that is not supported");
  const auto title =
      static_cast<char32_t>(u_totitle(static_cast<UChar32>(decode_utf8(first).front())));
  // The whole text is lowered, because a final sigma depends on what stands before it.
  const std::u32string whole = decode_utf8(text);
  const std::u32string lower = lower_case(whole);
  const size_t first_length = lower_case(std::u32string_view(whole).substr(0, 1)).size();
  return encode_utf8({&title, 1}) + encode_utf8(std::u32string_view(lower).substr(first_length));
}

int64_t character_index(std::string_view text, size_t byte) {
  return std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(byte),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

}  // namespace pgtrain::jinja
