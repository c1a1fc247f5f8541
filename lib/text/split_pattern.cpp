#include "text/split_pattern.h"

#include <unicode/uregex.h>

#include <utility>

#include "core/error.h"
#include "text/unicode.h"
#include "text/utf8_cursor.h"
#include "text/word_patterns.h"

namespace pgtrain {
namespace {

// Adds matches and, before each, what lies between it and the one before.
class SpanBuilder {
 public:
  void match(size_t begin, size_t end) {
    gap(begin);
    spans_.push_back({begin, end, true});
    end_ = end;
  }
  std::vector<Span> finish(size_t size) {
    gap(size);
    return std::move(spans_);
  }

 private:
  void gap(size_t begin) {
    if (begin > end_) spans_.push_back({end_, begin, false});
  }
  std::vector<Span> spans_;
  size_t end_ = 0;
};

class LiteralPattern final : public SplitPattern {
 public:
  explicit LiteralPattern(std::string literal) : literal_(std::move(literal)) {}
  std::vector<Span> find(std::string_view text) const override {
    SpanBuilder spans;
    for (size_t at = 0; (at = text.find(literal_, at)) != std::string_view::npos;) {
      spans.match(at, at + literal_.size());
      at += literal_.size();
    }
    return spans.finish(text.size());
  }

 private:
  std::string literal_;
};

class ClassPattern final : public SplitPattern {
 public:
  explicit ClassPattern(bool (*is_in_class)(char32_t)) : is_in_class_(is_in_class) {}
  std::vector<Span> find(std::string_view text) const override {
    SpanBuilder spans;
    for (size_t at = 0; at < text.size();) {
      const CodePoint c = code_point_at(text, at);
      if (is_in_class_(c.value)) spans.match(at, at + c.length);
      at += c.length;
    }
    return spans.finish(text.size());
  }

 private:
  bool (*is_in_class_)(char32_t);
};

class WordPattern final : public SplitPattern {
 public:
  explicit WordPattern(WordMatcher matcher) : matcher_(matcher) {}
  std::vector<Span> find(std::string_view text) const override {
    SpanBuilder spans;
    for (size_t at = 0; at < text.size();) {
      const size_t end = matcher_(text, at);
      spans.match(at, end);
      at = end;
    }
    return spans.finish(text.size());
  }

 private:
  WordMatcher matcher_;
};

// Oniguruma's \w counts superscript digits and fractions of Latin-1 and no join controls; its \h is
// a hexadecimal digit.
std::string to_icu_syntax(const std::string& expression) {
  static const char* const kWord =
      R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";
  std::string result;
  for (size_t i = 0; i < expression.size(); ++i) {
    const char next = i + 1 < expression.size() ? expression[i + 1] : '\0';
    if (expression[i] != '\\' || next == '\0') {
      result += expression[i];
      continue;
    }
    ++i;
    if (next == 'w' || next == 'W')
      result += fmt::format("[{}{}]", next == 'W' ? "^" : "", kWord);
    else if (next == 'h' || next == 'H')
      result += next == 'h' ? "[0-9A-Fa-f]" : "[^0-9A-Fa-f]";
    else
      result += {'\\', next};
  }
  return result;
}

// UTF-16 of a text and the byte that each unit begins at; the end of the text last.
struct Utf16Text {
  std::u16string units;
  std::vector<uint32_t> offsets;
};

Utf16Text to_utf16(std::string_view text) {
  Utf16Text result;
  result.units.reserve(text.size());
  result.offsets.reserve(text.size() + 1);
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    const auto offset = static_cast<uint32_t>(at);
    if (c.value >= 0x10000) {
      result.units.push_back(static_cast<char16_t>(0xD800 + ((c.value - 0x10000) >> 10)));
      result.offsets.push_back(offset);
    }
    result.units.push_back(static_cast<char16_t>(
        c.value < 0x10000 ? c.value : 0xDC00 + ((c.value - 0x10000) & 0x3FFU)));
    result.offsets.push_back(offset);
    at += c.length;
  }
  result.offsets.push_back(static_cast<uint32_t>(text.size()));
  return result;
}

struct CloseRegex {
  void operator()(URegularExpression* regex) const { uregex_close(regex); }
};
using RegexHandle = std::unique_ptr<URegularExpression, CloseRegex>;

constexpr size_t kMostRegexBytes = size_t{1} << 30;  // ICU counts in int32
constexpr int32_t kStackBytes = 64 << 20;
// ICU's unit is 10,000 steps of its engine: a fixed amount of work, not of time.
constexpr int32_t kLeastSteps = 1000;

class IcuPattern final : public SplitPattern {
 public:
  IcuPattern(const std::string& expression, const JsonView& place) : expression_(expression) {
    const std::u16string pattern = to_utf16(expression).units;
    UParseError where{};
    UErrorCode status = U_ZERO_ERROR;
    // Oniguruma's Ruby syntax: ^ and $ match at every line, and only \n ends a line.
    regex_.reset(uregex_open(pattern.data(), static_cast<int32_t>(pattern.size()),
                             UREGEX_MULTILINE | UREGEX_UNIX_LINES, &where, &status));
    if (U_FAILURE(status))
      place.fail(fmt::format("the regular expression \"{}\" is not understood at character {}: {}",
                             escape_text(expression), where.offset, u_errorName(status)));
    uregex_setStackLimit(regex_.get(), kStackBytes, &status);
    PG_CHECK(U_SUCCESS(status), "uregex_setStackLimit: {}", u_errorName(status));
  }

  std::vector<Span> find(std::string_view text) const override {
    if (text.size() > kMostRegexBytes)
      throw DataError(
          fmt::format("a text of {} bytes is too long for a regular expression", text.size()));
    const Utf16Text utf16 = to_utf16(text);
    UErrorCode status = U_ZERO_ERROR;
    const RegexHandle regex(uregex_clone(regex_.get(), &status));
    uregex_setText(regex.get(), utf16.units.data(), static_cast<int32_t>(utf16.units.size()),
                   &status);
    uregex_setTimeLimit(regex.get(), kLeastSteps + static_cast<int32_t>(text.size() / 100),
                        &status);
    SpanBuilder spans;
    int32_t last_end = -1;
    while (U_SUCCESS(status) && uregex_findNext(regex.get(), &status) != 0) {
      const int32_t begin = uregex_start(regex.get(), 0, &status);
      const int32_t end = uregex_end(regex.get(), 0, &status);
      if (begin == end && begin == last_end) continue;  // nothing right after a match is none
      spans.match(utf16.offsets[static_cast<size_t>(begin)],
                  utf16.offsets[static_cast<size_t>(end)]);
      last_end = end;
    }
    if (U_FAILURE(status))
      throw DataError(
          fmt::format("the tokenizer's regular expression \"{}\" failed on a text of "
                      "{} bytes: {}",
                      escape_text(expression_), text.size(), u_errorName(status)));
    return spans.finish(text.size());
  }

 private:
  std::string expression_;
  RegexHandle regex_;
};

}  // namespace

std::unique_ptr<SplitPattern> literal_pattern(const std::string& literal) {
  PG_CHECK(!literal.empty(), "an empty pattern matches nothing");
  return std::make_unique<LiteralPattern>(literal);
}

std::unique_ptr<SplitPattern> class_pattern(bool (*is_in_class)(char32_t)) {
  return std::make_unique<ClassPattern>(is_in_class);
}

std::unique_ptr<SplitPattern> icu_pattern(const std::string& expression, const JsonView& place) {
  return std::make_unique<IcuPattern>(expression, place);
}

std::unique_ptr<SplitPattern> regex_pattern(const std::string& expression, const JsonView& place) {
  if (const WordMatcher matcher = find_word_matcher(expression))
    return std::make_unique<WordPattern>(matcher);
  return icu_pattern(to_icu_syntax(expression), place);
}

std::unique_ptr<SplitPattern> read_pattern(const JsonView& json) {
  const bool is_regex = json.is_object() && json.find("Regex");
  const JsonView text = json.is_string() ? json : json.at(is_regex ? "Regex" : "String");
  if (text.string().empty()) text.fail("must not be empty");
  return is_regex ? regex_pattern(text.string(), text) : literal_pattern(text.string());
}

}  // namespace pgtrain
