#include "similarity/bleu_tokenizer.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>

#include "text/characters.h"

namespace pgtrain {
namespace {

using Text = std::u32string;
using View = std::u32string_view;

struct Range {
  char32_t first;
  char32_t last;
};

template <size_t n>
bool in_ranges(char32_t c, const std::array<Range, n>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const Range& r) { return r.first <= c && c <= r.last; });
}

// In the order of tokenizer_zh.py.
constexpr std::array<Range, 22> kChinese = {
    {{0x3400, 0x4DB5}, {0x4E00, 0x9FA5}, {0x9FA6, 0x9FBB}, {0xF900, 0xFA2D}, {0xFA30, 0xFA6A},
     {0xFA70, 0xFAD9}, {0x2001, 0x2A6D}, {0x2F81, 0x2FA1}, {0xFF00, 0xFFEF}, {0x2E80, 0x2EFF},
     {0x3000, 0x303F}, {0x31C0, 0x31EF}, {0x2F00, 0x2FDF}, {0x2FF0, 0x2FFF}, {0x3100, 0x312F},
     {0x31A0, 0x31BF}, {0xFE10, 0xFE1F}, {0xFE30, 0xFE4F}, {0x2600, 0x26FF}, {0x2700, 0x27BF},
     {0x3200, 0x32FF}, {0x3300, 0x33FF}}};

// In the order of tokenizer_ter.py; the range of "enclosed letters" ends at U+3F22 there.
constexpr std::array<Range, 8> kTerAsian = {{{0x4E00, 0x9FFF},
                                             {0x3400, 0x4DBF},
                                             {0x31C0, 0x31EF},
                                             {0x2E80, 0x2EFF},
                                             {0x3300, 0x33FF},
                                             {0xF900, 0xFAFF},
                                             {0xFE30, 0xFE4F},
                                             {0x3200, 0x3F22}}};

constexpr std::array<Range, 5> kAsianPunctuation = {
    {{0x3001, 0x3002}, {0x3008, 0x3011}, {0x3014, 0x301F}, {0xFF61, 0xFF65}, {0x30FB, 0x30FB}}};

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_stop(char32_t c) { return c == U'.' || c == U','; }

// [\{-\~\[-\` -\&\(-\+\:-\@\/]: ASCII symbols and the space, without ' , - .
bool is_western_symbol(char32_t c) {
  return (c >= U'{' && c <= U'~') || (c >= U'[' && c <= U'`') || (c >= U' ' && c <= U'&') ||
         (c >= U'(' && c <= U'+') || (c >= U':' && c <= U'@') || c == U'/';
}

bool is_asian_punctuation(char32_t c) {
  constexpr View kFullWidth = U"\uFF0E\uFF0C\uFF1F\uFF1A\uFF1B\uFF01\uFF02\uFF08\uFF09";
  return in_ranges(c, kAsianPunctuation) || kFullWidth.find(c) != View::npos;
}

uint32_t category(char32_t c) { return U_MASK(u_charType(static_cast<UChar32>(c))); }
bool is_number(char32_t c) { return (category(c) & U_GC_N_MASK) != 0; }
bool is_punctuation(char32_t c) { return (category(c) & U_GC_P_MASK) != 0; }
bool is_symbol(char32_t c) { return (category(c) & U_GC_S_MASK) != 0; }

Text replace_all(View text, View from, View to) {
  Text result;
  for (size_t at = 0;;) {
    const size_t found = text.find(from, at);
    result += text.substr(at, found - at);
    if (found == View::npos) return result;
    result += to;
    at = found + from.size();
  }
}

Text unescape_xml(Text text) {
  if (text.find(U'&') == Text::npos) return text;
  text = replace_all(text, U"&quot;", U"\"");
  text = replace_all(text, U"&amp;", U"&");
  text = replace_all(text, U"&lt;", U"<");
  return replace_all(text, U"&gt;", U">");
}

// re.sub("(x)", " \1 ").
template <class Is>
Text set_apart(View text, Is is) {
  Text result;
  result.reserve(2 * text.size());
  for (const char32_t c : text) {
    if (is(c)) {
      result += U' ';
      result += c;
      result += U' ';
    } else {
      result += c;
    }
  }
  return result;
}

// re.sub("(a)(b)", "\1 \2 ") or, with kBefore, " \1 \2": from left to right, without overlap.
template <bool kBefore, class IsFirst, class IsSecond>
Text split_pairs(View text, IsFirst is_first, IsSecond is_second) {
  Text result;
  result.reserve(2 * text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (i + 1 == text.size() || !is_first(text[i]) || !is_second(text[i + 1])) {
      result += text[i];
      continue;
    }
    if (kBefore) result += U' ';
    result += text[i];
    result += U' ';
    result += text[++i];
    if (!kBefore) result += U' ';
  }
  return result;
}

bool is_not_digit(char32_t c) { return !is_digit(c); }

// The part of 13a that zh and Tercom share.
Text split_stops_and_dashes(Text text) {
  text = split_pairs<false>(text, is_not_digit, is_stop);
  text = split_pairs<true>(text, is_stop, is_not_digit);
  return split_pairs<false>(text, is_digit, [](char32_t c) { return c == U'-'; });
}

Text tokenize_western(View text) {
  return split_stops_and_dashes(set_apart(text, is_western_symbol));
}

Text tokenize_13a(View line) {
  Text text(line);
  if (text.find(U'<') != Text::npos) text = replace_all(text, U"<skipped>", U"");
  if (text.find(U'\n') != Text::npos) {
    text = replace_all(text, U"-\n", U"");
    text = replace_all(text, U"\n", U" ");
  }
  return tokenize_western(U' ' + unescape_xml(std::move(text)) + U' ');
}

Text tokenize_zh(View line) {
  return tokenize_western(
      set_apart(strip(line), [](char32_t c) { return in_ranges(c, kChinese); }));
}

Text tokenize_intl(View line) {
  const auto is_not_number = [](char32_t c) { return !is_number(c); };
  Text text = split_pairs<false>(line, is_not_number, is_punctuation);
  text = split_pairs<true>(text, is_punctuation, is_not_number);
  return set_apart(text, is_symbol);
}

Text normalize_ter(View line) {
  Text text = replace_all(line, U"\n-", U"");
  text = replace_all(text, U"\n", U" ");
  text = set_apart(U' ' + unescape_xml(std::move(text)) + U' ', is_western_symbol);
  return split_stops_and_dashes(replace_all(text, U"'s ", U" 's "));
}

bool is_removed_by_ter(char32_t c) { return View(U".,?:;!\"()").find(c) != View::npos; }

template <class Is>
void remove(Text& text, Is is) {
  text.erase(std::remove_if(text.begin(), text.end(), is), text.end());
}

Text join_words(View text) {
  Text result;
  for (const View word : split_on_space(text)) {
    if (!result.empty()) result += U' ';
    result += word;
  }
  return result;
}

}  // namespace

std::u32string bleu_tokenize(BleuTokenizer tokenizer, std::u32string_view line) {
  switch (tokenizer) {
    case BleuTokenizer::k13a:
      return tokenize_13a(line);
    case BleuTokenizer::kZh:
      return tokenize_zh(line);
    case BleuTokenizer::kIntl:
      return tokenize_intl(line);
    case BleuTokenizer::kChar:
      return set_apart(line, [](char32_t) { return true; });
    case BleuTokenizer::kNone:
      break;
  }
  return Text(line);
}

std::u32string ter_tokenize(const TerTokenizerOptions& options, std::u32string_view line) {
  Text text = options.case_sensitive ? Text(line) : lower_case(line);
  if (line.empty()) return text;
  if (options.normalized) {
    text = normalize_ter(text);
    if (options.asian_support) {
      text = set_apart(text, [](char32_t c) { return in_ranges(c, kTerAsian); });
      text = set_apart(text, is_asian_punctuation);
    }
  }
  if (options.no_punct) {
    remove(text, is_removed_by_ter);
    if (options.asian_support) remove(text, is_asian_punctuation);
  }
  return join_words(text);
}

}  // namespace pgtrain
