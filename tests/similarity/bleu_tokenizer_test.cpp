#include "similarity/bleu_tokenizer.h"

#include <algorithm>

#include "similarity/texts.h"
#include "support/support.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

// The tokens, separated by one space each, as UTF-8.
std::string joined(std::u32string_view spaced) {
  std::u32string result;
  for (const auto word : split_on_space(spaced)) {
    if (!result.empty()) result += U' ';
    result += word;
  }
  return encode_utf8(result);
}

std::string tokens(BleuTokenizer tokenizer, std::u32string_view line) {
  return joined(bleu_tokenize(tokenizer, line));
}

std::string tercom(std::u32string_view line, const TerTokenizerOptions& options = {}) {
  return encode_utf8(ter_tokenize(options, line));
}

TEST_CASE("13a: symbols apart, stops apart unless between digits, dashes after digits",
          "[similarity]") {
  const auto split = [](std::u32string_view line) { return tokens(BleuTokenizer::k13a, line); };
  CHECK(split(U"Hello, world! It's 3.14-ish & 1,000.") ==
        "Hello , world ! It's 3.14 - ish & 1,000 .");
  CHECK(split(U"a-b 1-2 3-x") == "a-b 1 - 2 3 - x");
  CHECK(split(U"[x]{y}|z~") == "[ x ] { y } | z ~");
  CHECK(split(U"x... y") == "x . . . y");
  CHECK(split(U".5 5.") == ". 5 5 .");
  CHECK(split(U"a,,b") == "a , , b");
  // Only ASCII digits are digits.
  CHECK(split(U"\uFF15.\uFF15 5.5") == encode_utf8(U"\uFF15 . \uFF15 5.5"));
  CHECK(split(U"").empty());
}

TEST_CASE("13a: line ends, <skipped> and XML escapes", "[similarity]") {
  const auto split = [](std::u32string_view line) { return tokens(BleuTokenizer::k13a, line); };
  CHECK(split(U"co-\noperate\nnow") == "cooperate now");
  CHECK(split(U"a<skipped>b") == "ab");
  // &quot; is decoded before &amp;, so that what &amp; leaves is not decoded again...
  CHECK(split(U"&amp;quot;a") == "& quot ; a");
  // ... but &lt; and &gt; come after it.
  CHECK(split(U"&amp;lt;a&gt;") == "< a >");
}

TEST_CASE("zh: Chinese characters, punctuation and full-width forms apart", "[similarity]") {
  const auto split = [](std::u32string_view line) { return tokens(BleuTokenizer::kZh, line); };
  CHECK(split(U"\u4F60\u597D,\u4E16\u754C\u3002abc 3.5") ==
        encode_utf8(U"\u4F60 \u597D , \u4E16 \u754C \u3002 abc 3.5"));
  CHECK(split(U"\uFF21\uFF22\u3231") == encode_utf8(U"\uFF21 \uFF22 \u3231"));
  // The reference's slip: U+2001..U+2A6D are apart, and nothing above U+FFFF is.
  CHECK(split(U"10\u20AC\u2014a") == encode_utf8(U"10 \u20AC \u2014 a"));
  CHECK(split(U"\U00020000\U00020001") == encode_utf8(U"\U00020000\U00020001"));
}

TEST_CASE("intl: punctuation apart unless between numbers, symbols always", "[similarity]") {
  const auto split = [](std::u32string_view line) { return tokens(BleuTokenizer::kIntl, line); };
  CHECK(split(U"a,b 1,000") == "a , b 1,000");
  CHECK(split(U"x2.") == "x2.");  // nothing after the stop, a number before it
  CHECK(split(U"\u00ABna\u00EFve\u00BB\u2014x") ==
        encode_utf8(U"\u00AB na\u00EFve \u00BB \u2014 x"));
  CHECK(split(U"$5 1+1=2") == "$ 5 1 + 1 = 2");
  CHECK(split(U"x\u00B2,y") == encode_utf8(U"x\u00B2 , y"));  // superscript two is a number
  CHECK(split(U"5%-10%") == "5 % - 10%");
}

TEST_CASE("char and none", "[similarity]") {
  CHECK(tokens(BleuTokenizer::kChar, U"ab \u4F60c") == encode_utf8(U"a b \u4F60 c"));
  CHECK(tokens(BleuTokenizer::kNone, U" a,b\tc\u3000d ") == "a,b c d");
}

TEST_CASE("tercom: lower case, and the three options", "[similarity]") {
  CHECK(tercom(U"It's  OK, \"Yes\" (3.5)!") == "it's ok, \"yes\" (3.5)!");
  CHECK(tercom(U"") == "");
  TerTokenizerOptions options;
  options.case_sensitive = true;
  CHECK(tercom(U"It's  OK", options) == "It's OK");
  options = {};
  options.normalized = true;
  CHECK(tercom(U"It's  OK, \"Yes\" (3.5)!", options) == "it 's ok , \" yes \" ( 3.5 ) !");
  // Consecutive "'s " share no space.
  CHECK(tercom(U"the dog's bone's", options) == "the dog 's bone 's");
  options.asian_support = true;
  CHECK(tercom(U"\u6771\u4EAC\u3001\u306F\u3002", options) ==
        encode_utf8(U"\u6771 \u4EAC \u3001 \u306F \u3002"));
  options = {};
  options.no_punct = true;
  CHECK(tercom(U"It's  OK, \"Yes\" (3.5)!", options) == "it's ok yes 35");
  options.asian_support = true;
  CHECK(tercom(U"\u6771\u4EAC\u3001\u306F\u3002", options) == encode_utf8(U"\u6771\u4EAC\u306F"));
}

TEST_CASE("tokenizers: only white space is put in or taken out", "[similarity]") {
  std::mt19937 random(13);
  const auto letters = [](std::u32string text) {
    text.erase(std::remove_if(text.begin(), text.end(), is_space), text.end());
    return text;
  };
  for (int round = 0; round < 500; ++round) {
    std::u32string text = test::random_sentence(random, random() % 20);
    // What the tokenizers replace: XML escapes, "-\n".
    text.erase(std::remove(text.begin(), text.end(), U'&'), text.end());
    for (int kind = 0; kind < 5; ++kind) {
      const auto spaced = bleu_tokenize(static_cast<BleuTokenizer>(kind), text);
      if (letters(spaced) != letters(text)) FAIL(kind << ": " << encode_utf8(text));
    }
    TerTokenizerOptions options;
    options.case_sensitive = true;
    options.normalized = round % 2 == 0;
    options.asian_support = round % 4 == 0;
    if (letters(ter_tokenize(options, text)) != letters(text)) FAIL(encode_utf8(text));
  }
}

}  // namespace
}  // namespace pgtrain
