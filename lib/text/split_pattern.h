// Patterns that cut text into matches and what lies between them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/json_view.h"

namespace pgtrain {

// Bytes [begin, end) of a text.
struct Span {
  size_t begin;
  size_t end;
  bool is_match;
};

class SplitPattern {
 public:
  virtual ~SplitPattern() = default;
  // Spans in order that cover the text (valid UTF-8) without gap; none for an empty text. Throws
  // DataError when a regular expression exceeds its limits of time or memory on this text.
  virtual std::vector<Span> find(std::string_view text) const = 0;
};

// Occurrences of a text, from left to right without overlap.
std::unique_ptr<SplitPattern> literal_pattern(const std::string& literal);
// Every code point of a class is a match by itself.
std::unique_ptr<SplitPattern> class_pattern(bool (*is_in_class)(char32_t));
// A regular expression in Oniguruma's Ruby syntax as far as ICU reads it alike; the three patterns
// of word_patterns.h are matched without an expression engine. Throws DataError at `place` when it
// does not compile.
std::unique_ptr<SplitPattern> regex_pattern(const std::string& expression, const JsonView& place);
// A regular expression in ICU's own syntax.
std::unique_ptr<SplitPattern> icu_pattern(const std::string& expression, const JsonView& place);
// tokenizer.json's {"String": text} or {"Regex": expression}, or a bare string. Throws DataError,
// also for an empty one.
std::unique_ptr<SplitPattern> read_pattern(const JsonView& json);

}  // namespace pgtrain
