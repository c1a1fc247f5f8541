#include "report/html.h"

#include "support/support.h"

namespace pgtrain {
namespace {

std::string text_bytes(std::string_view bytes) { return text(bytes).bytes(); }

TEST_CASE("html: nothing of a text is markup", "[report]") {
  CHECK(text_bytes("</script><img src=x onerror='a(\"b\")'> &amp;") ==
        "&lt;/script&gt;&lt;img src=x onerror=&#39;a(&quot;b&quot;)&#39;&gt; &amp;amp;");
  CHECK(text_bytes("\u4E2D\u6587 caf\u00E9 \U0001F600") == "\u4E2D\u6587 caf\u00E9 \U0001F600");
  CHECK(text_bytes("").empty());
}

TEST_CASE("html: what cannot be seen becomes its code point", "[report]") {
  const auto shown = [](const std::string& name) {
    return "<span class=\"cp\">U+" + name + "</span>";
  };
  CHECK(text_bytes(std::string_view("a\0b", 3)) == "a" + shown("0000") + "b");
  CHECK(text_bytes("\x1B[31m") == shown("001B") + "[31m");
  CHECK(text_bytes("\t\r\x7F") == shown("0009") + shown("000D") + shown("007F"));
  CHECK(text_bytes("a\nb") == "a<span class=\"cp\">\u21B5</span>\nb");
  const std::vector<std::pair<std::string, std::string>> invisible = {
      {"\u0085", "0085"}, {"\u00A0", "00A0"},     {"\u00AD", "00AD"}, {"\u034F", "034F"},
      {"\u061C", "061C"}, {"\u115F", "115F"},     {"\u200B", "200B"}, {"\u200D", "200D"},
      {"\u200E", "200E"}, {"\u200F", "200F"},     {"\u2028", "2028"}, {"\u202A", "202A"},
      {"\u202E", "202E"}, {"\u2060", "2060"},     {"\u2066", "2066"}, {"\u2069", "2069"},
      {"\u3000", "3000"}, {"\u3164", "3164"},     {"\uFE0F", "FE0F"}, {"\uFEFF", "FEFF"},
      {"\uFFFF", "FFFF"}, {"\U000E0041", "E0041"}};
  for (const auto& [bytes, name] : invisible) CHECK(text_bytes(bytes) == shown(name));
}

TEST_CASE("html: ill-formed bytes become U+FFFD", "[report]") {
  CHECK(text_bytes("a\xFF") == "a\uFFFD");
  CHECK(text_bytes("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");  // a surrogate
  CHECK(text_bytes("\xC0\xBC") == "\uFFFD\uFFFD");            // an overlong '<'
  CHECK(text_bytes("\xE4\xB8") == "\uFFFD");                  // cut
}

TEST_CASE("html: elements, attributes, lines", "[report]") {
  CHECK(element("b", {}).bytes() == "<b></b>");
  CHECK(element("a", {{"href", "\"><script>\n\u202E"}, {"id", "x"}}, text("<")).bytes() ==
        "<a href=\"&quot;&gt;&lt;script&gt;[U+000A][U+202E]\" id=\"x\">&lt;</a>");
  CHECK(plain_text("<\u200E\xFF").bytes() == "&lt;[U+200E]\uFFFD");
  CHECK(lines("a: <\n\nb\x01\n").bytes() == "a: &lt;\n\nb<span class=\"cp\">U+0001</span>\n");
  CHECK((Html{text("a"), text("b")} + text("c")).bytes() == "abc");
}

}  // namespace
}  // namespace pgtrain
