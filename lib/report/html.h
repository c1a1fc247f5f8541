// Markup that is well-formed by construction: text gets in through text(), values through
// attributes, and both are escaped; only names of elements and attributes are taken as they are.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgtrain {

// A piece of HTML (and, as long as it holds SVG elements only, of XML) that may stand between tags.
class Html {
 public:
  Html() = default;
  Html(std::initializer_list<Html> parts) {
    for (const Html& part : parts) *this += part;
  }
  // Bytes that are markup already: constants of the program, never anything read from a file.
  static Html markup(std::string_view trusted);

  Html& operator+=(const Html& other) {
    bytes_ += other.bytes_;
    return *this;
  }
  friend Html operator+(Html left, const Html& right) { return left += right; }
  const std::string& bytes() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }

 private:
  std::string bytes_;
};

using Attributes = std::vector<std::pair<std::string_view, std::string>>;

// <name attribute="value">content</name>. The name and those of the attributes must be constants of
// the program. In values, & < > " ' become references, ill-formed UTF-8 U+FFFD, and code points
// without a visible form [U+202E].
Html element(std::string_view name, const Attributes& attributes, const Html& content = {});

// The text so that nothing of it is markup and all of it can be seen: & < > " ' become references;
// ill-formed UTF-8 U+FFFD; a line feed the sign for it and a line feed; other code points without a
// visible form (controls, bidirectional overrides and marks, zero-width and unassigned ones, spaces
// other than U+0020) <span class="cp">U+202E</span>.
Html text(std::string_view bytes);
Html text(std::u32string_view code_points);

// As text(), but what has no visible form becomes [U+202E], as in attributes: for elements that
// hold no elements (<title>, <desc>).
Html plain_text(std::string_view bytes);

// Text that the program laid out itself, for <pre>: as text(), but line feeds stay plain.
Html lines(std::string_view bytes);

// Whether a code point shows: it is U+0020 or has a glyph of its own.
bool is_visible(char32_t c);

}  // namespace pgtrain
