#include "report/html.h"

#include <spdlog/fmt/fmt.h>
#include <unicode/uchar.h>

#include "text/unicode.h"

namespace pgtrain {
namespace {

std::string code_point_name(char32_t c) {
  return fmt::format("U+{:04X}", static_cast<uint32_t>(c));
}

void append_visible(std::string& out, char32_t c) {
  switch (c) {
    case U'&':
      out += "&amp;";
      break;
    case U'<':
      out += "&lt;";
      break;
    case U'>':
      out += "&gt;";
      break;
    case U'"':
      out += "&quot;";
      break;
    case U'\'':
      out += "&#39;";
      break;
    default:
      append_utf8(out, c);
  }
}

std::string without_elements(std::string_view bytes) {
  std::string out;
  for (const char32_t c : decode_utf8_lossy(bytes)) {
    if (is_visible(c))
      append_visible(out, c);
    else
      out += "[" + code_point_name(c) + "]";
  }
  return out;
}

}  // namespace

bool is_visible(char32_t c) {
  if (c < 0x7F) return c >= 0x20;
  const auto code_point = static_cast<UChar32>(c);
  return u_isgraph(code_point) &&
         !u_hasBinaryProperty(code_point, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

Html Html::markup(std::string_view trusted) {
  Html result;
  result.bytes_ = trusted;
  return result;
}

Html element(std::string_view name, const Attributes& attributes, const Html& content) {
  std::string out = "<";
  out += name;
  for (const auto& [key, value] : attributes) {
    out += ' ';
    out += key;
    out += "=\"" + without_elements(value) + "\"";
  }
  out += '>';
  out += content.bytes();
  out += "</";
  out += name;
  out += '>';
  return Html::markup(out);
}

Html text(std::u32string_view code_points) {
  std::string out;
  for (const char32_t c : code_points) {
    if (is_visible(c))
      append_visible(out, c);
    else if (c == U'\n')
      out += "<span class=\"cp\">\u21B5</span>\n";
    else
      out += "<span class=\"cp\">" + code_point_name(c) + "</span>";
  }
  return Html::markup(out);
}

Html text(std::string_view bytes) { return text(decode_utf8_lossy(bytes)); }

Html plain_text(std::string_view bytes) { return Html::markup(without_elements(bytes)); }

Html lines(std::string_view bytes) {
  Html out;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    out += text(bytes.substr(0, end));
    if (end == std::string_view::npos) break;
    out += Html::markup("\n");
    bytes.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace pgtrain
