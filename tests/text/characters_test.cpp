#include "text/characters.h"

#include "support/support.h"

namespace pgtrain {
namespace {

using Views = std::vector<std::u32string_view>;

TEST_CASE("characters: white space is Python's", "[text]") {
  // str.isspace of Python 3.11, all of them.
  const std::u32string spaces =
      U"\t\n\v\f\r\x1C\x1D\x1E\x1F \u0085\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
      U"\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000";
  size_t count = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) count += is_space(c);
  CHECK(count == spaces.size());
  for (const char32_t c : spaces) CHECK(is_space(c));
  CHECK_FALSE(is_space(U'\u200B'));  // zero width space
  CHECK_FALSE(is_space(U'\0'));
}

TEST_CASE("characters: word characters are letters, numbers and '_'", "[text]") {
  for (const char32_t c :
       U"azAZ09_\u00E9\u4E00\u0663\u00B2\u00BD\u2167\uAC00\u00AA"
       U"\u4E07\U0001D7D8")
    CHECK((c == 0 || is_word_character(c)));
  for (const char32_t c : U" -'.\u0301\u0903\u200D\u2014\u3002\U0001F642\uE000\uFFFE\u20AC")
    CHECK_FALSE(is_word_character(c));
}

TEST_CASE("characters: string.punctuation", "[text]") {
  size_t count = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) count += is_ascii_punctuation(c);
  CHECK(count == 32);
  for (const char32_t c : std::u32string(U"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"))
    CHECK(is_ascii_punctuation(c));
}

TEST_CASE("characters: split and strip", "[text]") {
  CHECK(split_on_space(U"  a\tb\u3000\u0085cd\x1F") == Views{U"a", U"b", U"cd"});
  CHECK(split_on_space(U"").empty());
  CHECK(split_on_space(U" \n").empty());
  CHECK(split_on_space(U"a") == Views{U"a"});
  CHECK(split_on_space(U"a\u200Bb") == Views{U"a\u200Bb"});
  CHECK(strip(U"\u00A0 a b\n") == U"a b");
  CHECK(strip(U" \x1C ").empty());
  CHECK(strip_right(U" a ") == U" a");
}

TEST_CASE("characters: lower case", "[text]") {
  CHECK(lower_case(U"AZaz09[\u00C9\u0416") == U"azaz09[\u00E9\u0436");
  CHECK(lower_case(U"\u0130") == U"i\u0307");
  CHECK(lower_case(U"\u1E9E\u2126\u212A\U00010400") == U"\u00DF\u03C9k\U00010428");
  CHECK(lower_case(U"\u01C5\u2160\uFF21") == U"\u01C6\u2170\uFF41");
  CHECK(lower_case(U"").empty());
}

TEST_CASE("characters: capital sigma at the end of a word is final sigma", "[text]") {
  CHECK(lower_case(U"\u0391\u03A3") == U"\u03B1\u03C2");
  CHECK(lower_case(U"\u03A3\u0391") == U"\u03C3\u03B1");
  CHECK(lower_case(U"\u03A3") == U"\u03C3");  // no letter before it
  CHECK(lower_case(U"\u0391\u03A3\u03A3") == U"\u03B1\u03C3\u03C2");
  CHECK(lower_case(U"\u0391\u03A3 \u0391") == U"\u03B1\u03C2 \u03B1");
  // Characters that casing ignores (combining marks, apostrophe, soft hyphen) are looked past.
  CHECK(lower_case(U"\u0391\u0301\u03A3\u0301") == U"\u03B1\u0301\u03C2\u0301");
  CHECK(lower_case(U"\u0391\u03A3'\u0391") == U"\u03B1\u03C3'\u03B1");
  CHECK(lower_case(U"\u0391\u00AD\u03A3") == U"\u03B1\u00AD\u03C2");
  CHECK(lower_case(U"1\u03A3") == U"1\u03C3");
}

}  // namespace
}  // namespace pgtrain
