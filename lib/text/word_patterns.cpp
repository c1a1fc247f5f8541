#include "text/word_patterns.h"

#include "text/code_point_class.h"
#include "text/utf8_cursor.h"

namespace pgtrain {

const char* const kGpt2Expression =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const char* const kLlama3Expression =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const char* const kQwen2Expression =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

enum class Class { kEnd, kLetter, kNumber, kSpace, kOther };

struct Character {
  Class kind;
  size_t end;
};

Character classify(std::string_view text, size_t at) {
  if (at >= text.size()) return {Class::kEnd, at};
  const CodePoint c = code_point_at(text, at);
  const size_t end = at + c.length;
  if (is_letter(c.value)) return {Class::kLetter, end};
  if (is_numeric(c.value)) return {Class::kNumber, end};
  return {is_white_space(c.value) ? Class::kSpace : Class::kOther, end};
}

// The end of the run of one class from `at`, of at most `most` characters.
size_t run_end(std::string_view text, size_t at, Class kind, size_t most = SIZE_MAX) {
  for (; most > 0; --most) {
    const Character c = classify(text, at);
    if (c.kind != kind) break;
    at = c.end;
  }
  return at;
}

bool is_newline(std::string_view text, size_t at) {
  return at < text.size() && (text[at] == '\n' || text[at] == '\r');
}

// \s+(?!\S)|\s+ where white space begins at `at`: the last one before something else is left out
// when there are others.
size_t space_end(std::string_view text, size_t at) {
  const size_t end = run_end(text, at, Class::kSpace);
  if (end == text.size()) return end;
  const size_t without_last = end - code_point_before(text, end).length;
  return without_last > at ? without_last : end;
}

// The end of 's|'t|'re|'ve|'m|'ll|'d at `at`; `at` when there is none. U+017F folds to s.
size_t contraction_end(std::string_view text, size_t at, bool fold_case) {
  if (text[at] != '\'') return at;
  std::string_view rest = text.substr(at + 1);
  if (fold_case && rest.substr(0, 2) == "\xC5\xBF") return at + 3;
  const auto is = [&](size_t i, char letter) {
    return i < rest.size() && (rest[i] == letter || (fold_case && rest[i] == letter - 0x20));
  };
  if (is(0, 's') || is(0, 't') || is(0, 'm') || is(0, 'd')) return at + 2;
  const bool two =
      (is(0, 'r') && is(1, 'e')) || (is(0, 'v') && is(1, 'e')) || (is(0, 'l') && is(1, 'l'));
  return two ? at + 3 : at;
}

size_t gpt2_match(std::string_view text, size_t at) {
  const size_t contraction = contraction_end(text, at, false);
  if (contraction > at) return contraction;
  const Character first = classify(text, at + (text[at] == ' ' ? 1 : 0));
  if (first.kind != Class::kSpace && first.kind != Class::kEnd)
    return run_end(text, first.end, first.kind);
  return space_end(text, at);
}

// \s*[\r\n]+ where white space begins at `at`: up to the last line end of the run; `at` when the
// run has none.
size_t lines_end(std::string_view text, size_t at) {
  for (size_t i = run_end(text, at, Class::kSpace); i > at; --i)
    if (is_newline(text, i - 1)) return i;
  return at;
}

size_t llama3_match(std::string_view text, size_t at, size_t most_digits) {
  const size_t contraction = contraction_end(text, at, true);
  if (contraction > at) return contraction;
  const Character first = classify(text, at);
  if (first.kind == Class::kLetter) return run_end(text, first.end, Class::kLetter);
  if (first.kind == Class::kNumber) return run_end(text, at, Class::kNumber, most_digits);
  if (!is_newline(text, at) && classify(text, first.end).kind == Class::kLetter)
    return run_end(text, first.end, Class::kLetter);
  const size_t symbols = text[at] == ' ' ? at + 1 : at;
  size_t end = run_end(text, symbols, Class::kOther);
  if (end > symbols) {
    while (is_newline(text, end)) ++end;
    return end;
  }
  end = lines_end(text, at);
  return end > at ? end : space_end(text, at);
}

}  // namespace

WordMatcher find_word_matcher(const std::string& expression) {
  if (expression == kGpt2Expression) return gpt2_match;
  if (expression == kLlama3Expression)
    return [](std::string_view text, size_t at) { return llama3_match(text, at, 3); };
  if (expression == kQwen2Expression)
    return [](std::string_view text, size_t at) { return llama3_match(text, at, 1); };
  return nullptr;
}

}  // namespace pgtrain
