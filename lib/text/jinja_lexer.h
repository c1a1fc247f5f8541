// Cuts a Jinja template into tokens as jinja2 3.1 does with trim_blocks and lstrip_blocks on, which
// is how chat templates are read: the first newline after a block or comment goes, and so does the
// white space between the beginning of a line and a block or comment; "-" beside a delimiter strips
// all white space there, "+" keeps it. Line ends become "\n" and one at the end of the source goes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pgtrain::jinja {

struct Place {
  int64_t line = 1;
  int64_t column = 1;  // in code points
};

enum class TokenKind {
  kData,           // text between the tags
  kVariableBegin,  // {{
  kVariableEnd,
  kBlockBegin,  // {%
  kBlockEnd,
  kName,
  kInteger,
  kFloat,
  kString,    // text: without quotes and escapes
  kOperator,  // text: one of + - * / // % ** ~ == != < <= > >= = | . , : ; ( ) [ ] { }
  kEnd
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  Place place;
};

// Throws ConfigError "name:line:column: message" for anything that is no token, tags and strings
// without end, text that is not UTF-8. The last token is kEnd.
std::vector<Token> read_tokens(std::string_view source, const std::string& name);

[[noreturn]] void fail_at(const std::string& name, Place place, const std::string& message);

}  // namespace pgtrain::jinja
