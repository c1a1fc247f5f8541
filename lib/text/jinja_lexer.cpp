#include "text/jinja_lexer.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "text/characters.h"
#include "text/unicode.h"

namespace pgtrain::jinja {
namespace {

constexpr std::u32string_view kNone;

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }

bool begins_name(char32_t c) { return is_word_character(c) && !is_digit(c); }

std::u32string normalise_line_ends(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != U'\r') {
      result += text[i];
      continue;
    }
    result += U'\n';
    if (i + 1 < text.size() && text[i + 1] == U'\n') ++i;
  }
  if (!result.empty() && result.back() == U'\n') result.pop_back();
  return result;
}

class Lexer {
 public:
  Lexer(std::u32string source, const std::string& name) : source_(std::move(source)), name_(name) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) read_root();
    push(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) { fail_at(name_, place_of(at_), message); }

  // Positions are asked for in rising order, except by errors.
  Place place_of(size_t offset) {
    if (offset < counted_) {
      counted_ = 0;
      place_ = {};
    }
    for (; counted_ < offset; ++counted_) {
      if (source_[counted_] == U'\n')
        place_ = {place_.line + 1, 1};
      else
        ++place_.column;
    }
    return place_;
  }

  bool looking_at(std::u32string_view text, size_t offset) const {
    return std::u32string_view(source_).substr(std::min(offset, source_.size()), text.size()) ==
           text;
  }

  void push(TokenKind kind, std::string text) { push_at(kind, std::move(text), at_); }
  void push_at(TokenKind kind, std::string text, size_t offset) {
    tokens_.push_back({kind, std::move(text), place_of(offset)});
  }

  // The next "{{", "{%" or "{#"; the end of the source when there is none.
  size_t find_tag() const {
    for (size_t i = at_; i + 1 < source_.size(); ++i)
      if (source_[i] == U'{' &&
          (source_[i + 1] == U'{' || source_[i + 1] == U'%' || source_[i + 1] == U'#'))
        return i;
    return source_.size();
  }

  void read_root() {
    const size_t tag = find_tag();
    if (tag == source_.size()) {
      push_data(std::u32string_view(source_).substr(at_));
      at_ = tag;
      return;
    }
    const char32_t sign = tag + 2 < source_.size() ? source_[tag + 2] : U' ';
    const char32_t kind = source_[tag + 1];
    push_data(data_before(tag, sign, kind != U'{'));
    at_ = tag;
    const size_t inside = tag + 2 + (sign == U'-' || sign == U'+' ? 1 : 0);
    if (kind == U'#') {
      read_comment(inside);
    } else if (kind == U'{') {
      push(TokenKind::kVariableBegin, "{{");
      at_ = inside;
      read_inside(U'}', TokenKind::kVariableEnd);
    } else if (!read_raw(inside)) {
      push(TokenKind::kBlockBegin, "{%");
      at_ = inside;
      read_inside(U'%', TokenKind::kBlockEnd);
    }
  }

  void push_data(std::u32string_view text) {
    if (!text.empty()) push(TokenKind::kData, encode_utf8(text));
  }

  // The text from here to a tag, without the white space that the tag's sign or lstrip_blocks
  // removes.
  std::u32string_view data_before(size_t tag, char32_t sign, bool is_block) const {
    const std::u32string_view text = std::u32string_view(source_).substr(at_, tag - at_);
    if (sign == U'-') return strip_right(text);
    if (sign == U'+' || !is_block) return text;
    const size_t newline = text.rfind(U'\n');
    const size_t begin = newline == std::u32string_view::npos ? 0 : newline + 1;
    if (begin == 0 && !at_line_begin_) return text;
    return strip(text.substr(begin)).empty() ? text.substr(0, begin) : text;
  }

  // Passes the end of a tag at at_, of which `length` characters are the delimiter.
  void pass_end(char32_t sign, size_t length, bool trims_newline) {
    at_ += length;
    const size_t begin = at_;
    if (sign == U'-')
      while (at_ < source_.size() && is_space(source_[at_])) ++at_;
    else if (sign != U'+' && trims_newline && at_ < source_.size() && source_[at_] == U'\n')
      ++at_;
    at_line_begin_ = at_ > begin && source_[at_ - 1] == U'\n';
  }

  void read_comment(size_t inside) {
    const size_t end = source_.find(U"#}", inside);
    if (end == std::u32string::npos) fail("comment without end; \"#}\" is missing");
    const char32_t sign = end > inside ? source_[end - 1] : U' ';
    at_ = end;
    pass_end(sign, 2, true);
  }

  size_t skip_space(size_t offset) const {
    while (offset < source_.size() && is_space(source_[offset])) ++offset;
    return offset;
  }

  // Offset after "%}" or "-%}" at `offset`; 0 when it is not there. Sets the sign.
  size_t tag_end(size_t offset, char32_t& sign) const {
    sign = offset < source_.size() ? source_[offset] : U' ';
    if (sign == U'-' || sign == U'+') ++offset;
    return looking_at(U"%}", offset) ? offset + 2 : 0;
  }

  // {% raw %}: everything to {% endraw %} is text.
  bool read_raw(size_t inside) {
    const size_t word = skip_space(inside);
    if (!looking_at(U"raw", word)) return false;
    char32_t sign = U' ';
    const size_t begin = tag_end(skip_space(word + 3), sign);
    if (begin == 0 || sign == U'+') return false;
    const size_t opening = at_;
    at_ = begin;
    pass_end(sign, 0, false);
    for (size_t tag = source_.find(U"{%", at_); tag != std::u32string::npos;
         tag = source_.find(U"{%", tag + 1)) {
      const char32_t before = tag + 2 < source_.size() ? source_[tag + 2] : U' ';
      const size_t name = skip_space(tag + 2 + (before == U'-' || before == U'+' ? 1 : 0));
      if (!looking_at(U"endraw", name)) continue;
      const size_t end = tag_end(skip_space(name + 6), sign);
      if (end == 0) continue;
      push_data(data_before(tag, before, true));
      at_ = end;
      pass_end(sign, 0, true);
      return true;
    }
    at_ = opening;
    fail("raw block without end; \"{% endraw %}\" is missing");
  }

  // Tokens up to the end of a tag: "}}" or "%}".
  void read_inside(char32_t closing, TokenKind end_kind) {
    const size_t opening = at_;
    std::u32string open_brackets;
    for (;;) {
      at_ = skip_space(at_);
      if (at_ >= source_.size()) {
        at_ = opening;
        fail(closing == U'%' ? "tag without end; \"%}\" is missing"
                             : "expression without end; \"}}\" is missing");
      }
      if (open_brackets.empty() && read_end(closing, end_kind)) return;
      read_token(open_brackets);
    }
  }

  bool read_end(char32_t closing, TokenKind end_kind) {
    const char32_t delimiter[] = {closing, U'}', 0};
    const char32_t sign = source_[at_];
    // jinja2 knows no "+}}".
    const bool has_sign = sign == U'-' || (sign == U'+' && closing == U'%');
    if (!looking_at(delimiter, at_ + (has_sign ? 1 : 0))) return false;
    push(end_kind, "");
    pass_end(has_sign ? sign : U' ', has_sign ? 3 : 2, closing == U'%');
    return true;
  }

  void read_token(std::u32string& open_brackets) {
    const char32_t c = source_[at_];
    if (is_digit(c))
      read_number();
    else if (begins_name(c))
      read_name();
    else if (c == U'\'' || c == U'"')
      read_string();
    else
      read_operator(open_brackets);
  }

  void read_name() {
    size_t end = at_;
    while (end < source_.size() && is_word_character(source_[end])) ++end;
    push(TokenKind::kName, encode_utf8(std::u32string_view(source_).substr(at_, end - at_)));
    at_ = end;
  }

  size_t digits_end(size_t offset) const {
    while (offset < source_.size() &&
           (is_digit(source_[offset]) || (source_[offset] == U'_' && offset + 1 < source_.size() &&
                                          is_digit(source_[offset + 1]))))
      ++offset;
    return offset;
  }
  bool has_digit(size_t offset) const {
    return offset < source_.size() && is_digit(source_[offset]);
  }

  void read_number() {
    if (source_[at_] == U'0' && at_ + 1 < source_.size() &&
        std::u32string_view(U"xXoObB").find(source_[at_ + 1]) != kNone.npos)
      fail("hexadecimal, octal and binary numbers are not supported");
    size_t end = digits_end(at_);
    bool is_float = false;
    const bool after_dot = at_ > 0 && source_[at_ - 1] == U'.';
    if (!after_dot) {
      if (looking_at(U".", end) && has_digit(end + 1)) {
        is_float = true;
        end = digits_end(end + 1);
      }
      if (looking_at(U"e", end) || looking_at(U"E", end)) {
        const size_t digits =
            end + 1 + (looking_at(U"+", end + 1) || looking_at(U"-", end + 1) ? 1 : 0);
        if (has_digit(digits)) {
          is_float = true;
          end = digits_end(digits);
        }
      }
    }
    std::string text;
    if (!is_float && source_[at_] == U'0' && end > at_ + 1) fail("a number begins with 0");
    for (size_t i = at_; i < end; ++i)
      if (source_[i] != U'_') text += static_cast<char>(source_[i]);
    push(is_float ? TokenKind::kFloat : TokenKind::kInteger, text);
    at_ = end;
  }

  void read_string() {
    const size_t opening = at_;
    const char32_t quote = source_[at_++];
    std::u32string text;
    for (;;) {
      if (at_ >= source_.size()) {
        at_ = opening;
        fail("string without end");
      }
      const char32_t c = source_[at_];
      if (c == quote) break;
      ++at_;
      if (c == U'\\')
        read_escape(text);
      else
        text += c;
    }
    push_at(TokenKind::kString, encode_utf8(text), opening);
    ++at_;
  }

  // at_ is after the backslash. The escapes are those of Python.
  void read_escape(std::u32string& text) {
    static constexpr std::u32string_view kNames = U"\\'\"abfnrtv";
    static constexpr std::u32string_view kValues = U"\\'\"\a\b\f\n\r\t\v";
    if (at_ >= source_.size()) return;
    const char32_t c = source_[at_];
    const size_t simple = kNames.find(c);
    if (simple != std::u32string_view::npos) {
      text += kValues[simple];
      ++at_;
    } else if (c == U'\n') {
      ++at_;
    } else if (c >= U'0' && c <= U'7') {
      read_code_point(text, at_, 3, 8, false);
    } else if (c == U'x' || c == U'u' || c == U'U') {
      read_code_point(text, at_ + 1, c == U'x' ? 2 : (c == U'u' ? 4 : 8), 16, true);
    } else if (c == U'N' || c >= 0x80) {
      fail("escapes \\N{...} and before characters beyond ASCII are not supported");
    } else {
      text += U'\\';  // as in Python: no escape
    }
  }

  static int digit_value(char32_t c) {
    if (is_digit(c)) return static_cast<int>(c - U'0');
    const char32_t lower = c | 0x20U;
    return lower >= U'a' && lower <= U'f' ? static_cast<int>(lower - U'a') + 10 : 99;
  }

  void read_code_point(std::u32string& text, size_t offset, size_t length, int base,
                       bool needs_all) {
    uint64_t code = 0;
    size_t count = 0;
    for (; count < length && offset + count < source_.size(); ++count) {
      const int digit = digit_value(source_[offset + count]);
      if (digit >= base) break;
      code = code * static_cast<uint64_t>(base) + static_cast<uint64_t>(digit);
    }
    if (needs_all && count < length)
      fail(fmt::format("this escape needs {} hexadecimal digits", length));
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
      fail("this escape is no Unicode character");
    text += static_cast<char32_t>(code);
    at_ = offset + count;
  }

  void read_operator(std::u32string& open_brackets) {
    static constexpr std::array<std::u32string_view, 26> kOperators = {
        U"//", U"**", U"==", U"!=", U">=", U"<=", U"+", U"-", U"/", U"*", U"%", U"~", U"[",
        U"]",  U"(",  U")",  U"{",  U"}",  U">",  U"<", U"=", U".", U":", U"|", U",", U";"};
    const auto found = std::find_if(kOperators.begin(), kOperators.end(),
                                    [&](std::u32string_view op) { return looking_at(op, at_); });
    if (found == kOperators.end())
      fail(fmt::format("unexpected character \"{}\"",
                       escape_text(encode_utf8(std::u32string_view(source_).substr(at_, 1)))));
    balance(found->front(), open_brackets);
    push(TokenKind::kOperator, encode_utf8(*found));
    at_ += found->size();
  }

  void balance(char32_t c, std::u32string& open_brackets) {
    static constexpr std::u32string_view kOpening = U"([{";
    static constexpr std::u32string_view kClosing = U")]}";
    if (kOpening.find(c) != std::u32string_view::npos) open_brackets += c;
    const size_t closing = kClosing.find(c);
    if (closing == std::u32string_view::npos) return;
    if (open_brackets.empty() || open_brackets.back() != kOpening[closing])
      fail(fmt::format("unexpected \"{}\"", static_cast<char>(c)));
    open_brackets.pop_back();
  }

  std::u32string source_;
  const std::string& name_;
  size_t at_ = 0;
  bool at_line_begin_ = true;  // the text at at_ begins a line
  size_t counted_ = 0;
  Place place_;
  std::vector<Token> tokens_;
};

}  // namespace

void fail_at(const std::string& name, Place place, const std::string& message) {
  throw ConfigError(fmt::format("{}:{}:{}: {}", name, place.line, place.column, message));
}

std::vector<Token> read_tokens(std::string_view source, const std::string& name) {
  const size_t invalid = find_invalid_utf8(source);
  if (invalid != std::string_view::npos)
    throw ConfigError(fmt::format("{}: not valid UTF-8 at byte {}", name, invalid));
  return Lexer(normalise_line_ends(decode_utf8(source)), name).run();
}

}  // namespace pgtrain::jinja
