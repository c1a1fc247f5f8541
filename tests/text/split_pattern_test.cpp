#include "text/split_pattern.h"

#include <random>

#include "support/support.h"
#include "text/unicode.h"
#include "text/word_patterns.h"

namespace pgtrain {
namespace {

using nlohmann::json;
using Texts = std::vector<std::string>;

JsonView place() {
  static const json value = "pattern";
  return JsonView(value, "test");
}

Texts pieces(const SplitPattern& pattern, const std::string& text) {
  Texts result;
  size_t end = 0;
  for (const Span& span : pattern.find(text)) {
    CHECK(span.begin == end);
    end = span.end;
    result.push_back(text.substr(span.begin, span.end - span.begin));
  }
  CHECK(end == text.size());
  return result;
}

TEST_CASE("word patterns: by hand", "[text]") {
  const auto gpt2 = regex_pattern(kGpt2Expression, place());
  CHECK(pieces(*gpt2, "I'll  pay\n\n12abc!? ") ==
        Texts{"I", "'ll", " ", " pay", "\n", "\n", "12", "abc", "!?", " "});
  CHECK(pieces(*gpt2, "") == Texts{});
  const auto llama3 = regex_pattern(kLlama3Expression, place());
  CHECK(pieces(*llama3, "HE'LL say: 12345\n\n  x -- y\r\n") ==
        Texts{"HE", "'LL", " say", ":", " ", "123", "45", "\n\n", " ", " x", " --", " y", "\r\n"});
  CHECK(pieces(*llama3, "a.\n\nb\t(c") == Texts{"a", ".\n\n", "b", "\t", "(c"});
  const auto qwen2 = regex_pattern(kQwen2Expression, place());
  CHECK(pieces(*qwen2, " 12") == Texts{" ", "1", "2"});
}

// Code points that the expressions treat differently, and any other.
std::string random_text(std::mt19937& rng) {
  static const std::u32string special =
      U"  \t\n\r\v\u0085\u00A0\u3000\u200B''sStTmMdDrReEvVlL\u017F\u212A19\u0663\u00BD\u2167.,!_-"
      U"aZ\u00E9\u4E2D\u0301\U0001F642\U0001D7D8\u0130";
  std::u32string text;
  const size_t length = rng() % 24;
  while (text.size() < length) {
    const auto any = static_cast<char32_t>(rng() % 0x30000);
    if (rng() % 8 != 0)
      text += special[rng() % special.size()];
    else if (any < 0xD800 || any > 0xDFFF)
      text += any;
  }
  return encode_utf8(text);
}

TEST_CASE("word patterns: the direct matchers equal ICU's expression engine", "[text]") {
  std::mt19937 rng(7);
  for (const char* expression : {kGpt2Expression, kLlama3Expression, kQwen2Expression}) {
    const auto direct = regex_pattern(expression, place());
    const auto engine = icu_pattern(expression, place());
    int differences = 0;
    for (int i = 0; i < 20000; ++i) {
      const std::string text = random_text(rng);
      if (pieces(*direct, text) == pieces(*engine, text)) continue;
      if (++differences == 1) UNSCOPED_INFO(escape_text(text));
    }
    CHECK(differences == 0);
  }
}

TEST_CASE("split patterns: literals, classes, empty matches", "[text]") {
  CHECK(pieces(*literal_pattern("aa"), "aaabaa") == Texts{"aa", "ab", "aa"});
  CHECK(pieces(*class_pattern([](char32_t c) { return c == U'\u00E9'; }), "x\u00E9\u00E9y") ==
        Texts{"x", "\u00E9", "\u00E9", "y"});
  // An empty match cuts, but none follows a match directly.
  CHECK(pieces(*regex_pattern("b*", place()), "abba") == Texts{"", "a", "bb", "a", ""});
}

}  // namespace
}  // namespace pgtrain
