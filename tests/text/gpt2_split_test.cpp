#include "text/gpt2_split.h"

#include <unicode/regex.h>
#include <unicode/unistr.h>

#include <random>
#include <string>
#include <vector>

#include "support/support.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using Texts = std::vector<std::string>;

Texts split(std::string_view text) {
  Texts pieces;
  gpt2_split(text, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

// The same by ICU's regular expressions.
Texts split_by_regex(const std::string& text) {
  static const icu::UnicodeString pattern = icu::UnicodeString::fromUTF8(
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");
  UErrorCode status = U_ZERO_ERROR;
  const icu::UnicodeString input = icu::UnicodeString::fromUTF8(text);
  icu::RegexMatcher matcher(pattern, input, 0, status);
  Texts pieces;
  while (matcher.find()) {
    std::string piece;
    matcher.group(status).toUTF8String(piece);
    pieces.push_back(piece);
  }
  REQUIRE(U_SUCCESS(status));
  return pieces;
}

TEST_CASE("gpt2 split: words, numbers, symbols, contractions and space", "[text]") {
  CHECK(split("Hello world").size() == 2);
  CHECK(split("Hello world") == Texts{"Hello", " world"});
  CHECK(split("it's we'll 'til") == Texts{"it", "'s", " we", "'ll", " '", "til"});
  CHECK(split("a1 22!? x") == Texts{"a", "1", " 22", "!?", " x"});
  CHECK(split("a  b \n\n c  ") == Texts{"a", " ", " b", " \n\n", " c", "  "});
  CHECK(split("a\u00a0b\u3000\u3000c") == Texts{"a", "\u00a0", "b", "\u3000", "\u3000", "c"});
  CHECK(split("\u4f60\u597d\uff0c x\u00b2") == Texts{"\u4f60\u597d", "\uff0c", " x", "\u00b2"});
  CHECK(split("").empty());
  CHECK(split(" ") == Texts{" "});
}

TEST_CASE("gpt2 split: agrees with the regular expression on random texts", "[text]") {
  std::mt19937 random(1);
  const std::u32string alphabet =
      U"a  \n\tZ's't're've'll'd'm09.,!?\u00e9\u4f60\u0301\u00a0\u2003\u3000\u0085\u200b\U0001F600"
      U"\u0660\u00bd\u2160_'\U00010400\u001c\u001f\u180e";
  for (int i = 0; i < 3000; ++i) {
    std::u32string text;
    const size_t length = random() % 30;
    while (text.size() < length)
      text += random() % 4 == 0 ? static_cast<char32_t>(random() % 0x3000 + 1)
                                : alphabet[random() % alphabet.size()];
    const std::string bytes = encode_utf8(text);
    INFO(escape_text(bytes));
    CHECK(split(bytes) == split_by_regex(bytes));
  }
}

TEST_CASE("gpt2 split: every code point has the class of the expression", "[text]") {
  std::u32string all;
  for (char32_t c = 1; c < 0x20000; ++c)
    if (c < 0xD800 || c > 0xDFFF) (all += c) += U'|';
  CHECK(split(encode_utf8(all)) == split_by_regex(encode_utf8(all)));
}

TEST_CASE("gpt2 split: the pieces are the text, whatever the bytes", "[text]") {
  std::mt19937 random(2);
  for (int i = 0; i < 500; ++i) {
    std::string bytes;
    while (bytes.size() < 40) bytes += static_cast<char>(random());
    std::string together;
    for (const std::string& piece : split(bytes)) {
      CHECK(!piece.empty());
      together += piece;
    }
    CHECK(together == bytes);
  }
}

}  // namespace
}  // namespace pgtrain
