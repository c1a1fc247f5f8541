#include "text/jinja_expression_parser.h"

#include <algorithm>
#include <charconv>

#include "core/error.h"
#include "text/jinja_filters.h"
#include "text/jinja_parser.h"
#include "text/jinja_tests.h"
#include "text/unicode.h"

namespace pgtrain::jinja {
namespace {

std::string show(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "the end of the template";
    case TokenKind::kBlockEnd:
      return "\"%}\"";
    case TokenKind::kVariableEnd:
      return "\"}}\"";
    default:
      return fmt::format("\"{}\"", escape_text(token.text));
  }
}

}  // namespace

ExpressionParser::Depth::Depth(ExpressionParser& parser) : parser_(parser) {
  if (parser_.depth_ >= kMaxSyntaxDepth)
    parser_.fail(fmt::format("nested deeper than {} levels", kMaxSyntaxDepth));
  ++parser_.depth_;
}

const Token& ExpressionParser::peek(size_t ahead) const {
  return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

Token ExpressionParser::take() {
  Token token = peek();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

void ExpressionParser::fail(const std::string& message) const {
  fail_at(name_, peek().place, message);
}

bool ExpressionParser::is_name(const char* text) const {
  return peek().kind == TokenKind::kName && peek().text == text;
}

bool ExpressionParser::is_operator(const char* text) const {
  return peek().kind == TokenKind::kOperator && peek().text == text;
}

bool ExpressionParser::accept_name(const char* text) {
  if (!is_name(text)) return false;
  take();
  return true;
}

bool ExpressionParser::accept_operator(const char* text) {
  if (!is_operator(text)) return false;
  take();
  return true;
}

Token ExpressionParser::expect(TokenKind kind, const char* what) {
  if (peek().kind != kind) fail(fmt::format("expected {}, found {}", what, show(peek())));
  return take();
}

void ExpressionParser::expect_name(const char* text) {
  if (!accept_name(text)) fail(fmt::format("expected \"{}\", found {}", text, show(peek())));
}

void ExpressionParser::expect_operator(const char* text) {
  if (!accept_operator(text)) fail(fmt::format("expected \"{}\", found {}", text, show(peek())));
}

ExpressionPtr ExpressionParser::make(ExpressionKind kind, Place place,
                                     std::vector<ExpressionPtr> operands) {
  auto node = std::make_unique<Expression>();
  node->kind = kind;
  node->place = place;
  node->operands = std::move(operands);
  return finish(std::move(node));
}

ExpressionPtr ExpressionParser::make(ExpressionKind kind, Place place, ExpressionPtr operand) {
  std::vector<ExpressionPtr> operands;
  operands.push_back(std::move(operand));
  return make(kind, place, std::move(operands));
}

ExpressionPtr ExpressionParser::make(ExpressionKind kind, Place place, ExpressionPtr a,
                                     ExpressionPtr b) {
  std::vector<ExpressionPtr> operands;
  operands.push_back(std::move(a));
  operands.push_back(std::move(b));
  return make(kind, place, std::move(operands));
}

// Sets the height and refuses trees that are too high to walk through.
ExpressionPtr ExpressionParser::finish(ExpressionPtr node) const {
  const auto raise = [&](const ExpressionPtr& child) {
    if (child) node->height = std::max(node->height, child->height + 1);
  };
  for (const ExpressionPtr& child : node->operands) raise(child);
  for (const ExpressionPtr& child : node->arguments.positional) raise(child);
  for (const auto& argument : node->arguments.named) raise(argument.second);
  if (node->height > kMaxSyntaxDepth)
    fail_at(name_, node->place, fmt::format("nested deeper than {} levels", kMaxSyntaxDepth));
  return node;
}

ExpressionPtr ExpressionParser::parse_expression() {
  const Depth depth(*this);
  return parse_condition();
}

ExpressionPtr ExpressionParser::parse_condition() {
  ExpressionPtr value = parse_or();
  while (is_name("if")) {
    const Place place = take().place;
    std::vector<ExpressionPtr> operands;
    operands.push_back(parse_or());
    operands.push_back(std::move(value));
    operands.push_back(accept_name("else") ? parse_expression() : nullptr);
    value = make(ExpressionKind::kCondition, place, std::move(operands));
  }
  return value;
}

ExpressionPtr ExpressionParser::parse_or() {
  ExpressionPtr left = parse_and();
  while (is_name("or")) {
    const Place place = take().place;
    left = make(ExpressionKind::kOr, place, std::move(left), parse_and());
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_and() {
  ExpressionPtr left = parse_not();
  while (is_name("and")) {
    const Place place = take().place;
    left = make(ExpressionKind::kAnd, place, std::move(left), parse_not());
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_not() {
  const Depth depth(*this);
  if (!is_name("not")) return parse_compare();
  const Place place = take().place;
  return make(ExpressionKind::kNot, place, parse_not());
}

// The comparison operator that comes next; empty when there is none.
std::string ExpressionParser::take_comparison() {
  for (const char* op : {"==", "!=", "<", "<=", ">", ">="})
    if (accept_operator(op)) return op;
  if (accept_name("in")) return "in";
  if (is_name("not") && peek(1).kind == TokenKind::kName && peek(1).text == "in") {
    take();
    take();
    return "not in";
  }
  return "";
}

ExpressionPtr ExpressionParser::parse_compare() {
  const Place place = peek().place;
  std::vector<ExpressionPtr> operands;
  std::vector<std::string> operators;
  operands.push_back(parse_sum());
  for (std::string op = take_comparison(); !op.empty(); op = take_comparison()) {
    operators.push_back(op);
    operands.push_back(parse_sum());
  }
  if (operators.empty()) return std::move(operands.front());
  ExpressionPtr node = make(ExpressionKind::kCompare, place, std::move(operands));
  node->operators = std::move(operators);
  return node;
}

ExpressionPtr ExpressionParser::parse_sum() {
  ExpressionPtr left = parse_concat();
  while (is_operator("+") || is_operator("-")) {
    const Token op = take();
    left = make(ExpressionKind::kBinary, op.place, std::move(left), parse_concat());
    left->name = op.text;
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_concat() {
  const Place place = peek().place;
  std::vector<ExpressionPtr> operands;
  operands.push_back(parse_product());
  while (accept_operator("~")) operands.push_back(parse_product());
  if (operands.size() == 1) return std::move(operands.front());
  return make(ExpressionKind::kConcat, place, std::move(operands));
}

ExpressionPtr ExpressionParser::parse_product() {
  ExpressionPtr left = parse_power();
  while (is_operator("*") || is_operator("/") || is_operator("//") || is_operator("%")) {
    const Token op = take();
    left = make(ExpressionKind::kBinary, op.place, std::move(left), parse_power());
    left->name = op.text;
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_power() {
  ExpressionPtr left = parse_unary(true);
  while (is_operator("**")) {
    const Token op = take();
    left = make(ExpressionKind::kBinary, op.place, std::move(left), parse_unary(true));
    left->name = op.text;
  }
  return left;
}

// Jinja applies filters to the signed number: -1 | abs is 1.
ExpressionPtr ExpressionParser::parse_unary(bool with_filters) {
  const Depth depth(*this);
  const Token token = peek();
  ExpressionPtr node;
  if (accept_operator("-"))
    node = make(ExpressionKind::kNegate, token.place, parse_unary(false));
  else if (accept_operator("+"))
    node = make(ExpressionKind::kPlus, token.place, parse_unary(false));
  else
    node = parse_primary();
  node = parse_postfix(std::move(node));
  return with_filters ? parse_filter_expression(std::move(node)) : std::move(node);
}

ExpressionPtr ExpressionParser::parse_primary() {
  const Token& token = peek();
  switch (token.kind) {
    case TokenKind::kName:
      return parse_name();
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return parse_number();
    case TokenKind::kString:
      return parse_strings();
    default:
      break;
  }
  if (is_operator("[")) return parse_list();
  if (is_operator("{")) return parse_dict();
  if (!is_operator("(")) fail(fmt::format("expected a value, found {}", show(token)));
  const Place place = take().place;
  if (accept_operator(")")) return make(ExpressionKind::kTuple, place);
  ExpressionPtr inner = parse_tuple(true);
  expect_operator(")");
  return inner;
}

ExpressionPtr ExpressionParser::parse_name() {
  const Token token = take();
  const bool is_constant = token.text == "true" || token.text == "True" || token.text == "false" ||
                           token.text == "False" || token.text == "none" || token.text == "None";
  ExpressionPtr node =
      make(is_constant ? ExpressionKind::kConstant : ExpressionKind::kName, token.place);
  if (token.text == "true" || token.text == "True") node->value = true;
  if (token.text == "false" || token.text == "False") node->value = false;
  for (const char* unsupported :
       {"caller", "varargs", "kwargs", "self", "super", "cycler", "joiner", "lipsum"})
    if (token.text == unsupported)
      fail_at(name_, token.place, fmt::format("\"{}\" is not supported", token.text));
  node->name = token.text;
  return node;
}

ExpressionPtr ExpressionParser::parse_number() {
  const Token token = take();
  ExpressionPtr node = make(ExpressionKind::kConstant, token.place);
  const char* begin = token.text.data();
  const char* end = begin + token.text.size();
  std::errc error{};
  if (token.kind == TokenKind::kInteger) {
    int64_t value = 0;
    error = std::from_chars(begin, end, value).ec;
    node->value = value;
  } else {
    double value = 0;
    error = std::from_chars(begin, end, value).ec;
    node->value = value;
  }
  if (error != std::errc{})
    fail_at(name_, token.place, fmt::format("the number {} is too large", token.text));
  return node;
}

ExpressionPtr ExpressionParser::parse_strings() {
  const Place place = peek().place;
  std::string text;
  while (peek().kind == TokenKind::kString) text += take().text;
  ExpressionPtr node = make(ExpressionKind::kConstant, place);
  node->value = std::move(text);
  return node;
}

ExpressionPtr ExpressionParser::parse_list() {
  const Place place = take().place;
  std::vector<ExpressionPtr> items;
  while (!is_operator("]")) {
    if (!items.empty()) expect_operator(",");
    if (is_operator("]")) break;
    items.push_back(parse_expression());
  }
  take();
  return make(ExpressionKind::kList, place, std::move(items));
}

ExpressionPtr ExpressionParser::parse_dict() {
  const Place place = take().place;
  std::vector<ExpressionPtr> items;
  while (!is_operator("}")) {
    if (!items.empty()) expect_operator(",");
    if (is_operator("}")) break;
    items.push_back(parse_expression());
    expect_operator(":");
    items.push_back(parse_expression());
  }
  take();
  return make(ExpressionKind::kDict, place, std::move(items));
}

bool ExpressionParser::ends_tuple(const char* end_name) const {
  const TokenKind kind = peek().kind;
  return kind == TokenKind::kVariableEnd || kind == TokenKind::kBlockEnd || is_operator(")") ||
         (*end_name != 0 && is_name(end_name));
}

ExpressionPtr ExpressionParser::parse_tuple(bool with_conditions, const char* end_name) {
  const Depth depth(*this);
  const Place place = peek().place;
  std::vector<ExpressionPtr> items;
  bool has_comma = false;
  for (;;) {
    if (!items.empty() && ends_tuple(end_name)) break;
    items.push_back(with_conditions ? parse_condition() : parse_or());
    if (!accept_operator(",")) break;
    has_comma = true;
  }
  if (!has_comma) return std::move(items.front());
  return make(ExpressionKind::kTuple, place, std::move(items));
}

ExpressionPtr ExpressionParser::parse_postfix(ExpressionPtr operand) {
  for (;;) {
    if (is_operator("."))
      operand = parse_attribute(std::move(operand));
    else if (is_operator("["))
      operand = parse_subscript(std::move(operand));
    else if (is_operator("("))
      operand = parse_call(std::move(operand));
    else
      return operand;
  }
}

ExpressionPtr ExpressionParser::parse_attribute(ExpressionPtr operand) {
  const Place place = take().place;
  if (peek().kind == TokenKind::kInteger)
    return make(ExpressionKind::kItem, place, std::move(operand), parse_number());
  const std::string attribute = expect(TokenKind::kName, "a name").text;
  ExpressionPtr node = make(ExpressionKind::kAttribute, place, std::move(operand));
  node->name = attribute;
  return node;
}

ExpressionPtr ExpressionParser::parse_subscript(ExpressionPtr operand) {
  const Place place = take().place;
  ExpressionPtr start = is_operator(":") ? nullptr : parse_expression();
  if (is_operator(":")) return parse_slice(place, std::move(operand), std::move(start));
  if (is_operator(",")) fail("several indices are not supported");
  expect_operator("]");
  return make(ExpressionKind::kItem, place, std::move(operand), std::move(start));
}

ExpressionPtr ExpressionParser::parse_slice(Place place, ExpressionPtr operand,
                                            ExpressionPtr start) {
  std::vector<ExpressionPtr> operands;
  operands.push_back(std::move(operand));
  operands.push_back(std::move(start));
  while (operands.size() < 4 && accept_operator(":"))
    operands.push_back(is_operator(":") || is_operator("]") ? nullptr : parse_expression());
  operands.resize(4);
  expect_operator("]");
  return make(ExpressionKind::kSlice, place, std::move(operands));
}

ExpressionPtr ExpressionParser::parse_call(ExpressionPtr operand) {
  ExpressionPtr node = make(ExpressionKind::kCall, peek().place, std::move(operand));
  node->arguments = parse_arguments();
  return finish(std::move(node));
}

Arguments ExpressionParser::parse_arguments() {
  Arguments arguments;
  expect_operator("(");
  bool is_first = true;
  while (!is_operator(")")) {
    if (!is_first) expect_operator(",");
    is_first = false;
    if (is_operator(")")) break;
    if (is_operator("*") || is_operator("**")) fail("*args and **kwargs are not supported");
    if (peek().kind == TokenKind::kName && peek(1).kind == TokenKind::kOperator &&
        peek(1).text == "=") {
      const Token key = take();
      take();
      for (const auto& named : arguments.named)
        if (named.first == key.text)
          fail_at(name_, key.place, fmt::format("argument \"{}\" appears twice", key.text));
      arguments.named.emplace_back(key.text, parse_expression());
    } else {
      if (!arguments.named.empty()) fail("an argument without a name after one with a name");
      arguments.positional.push_back(parse_expression());
    }
  }
  take();
  return arguments;
}

ExpressionPtr ExpressionParser::parse_filter_expression(ExpressionPtr operand) {
  for (;;) {
    if (is_operator("|"))
      operand = parse_filters(std::move(operand));
    else if (is_name("is"))
      operand = parse_test(std::move(operand));
    else if (is_operator("("))
      operand = parse_call(std::move(operand));
    else
      return operand;
  }
}

ExpressionPtr ExpressionParser::parse_filters(ExpressionPtr operand) {
  while (accept_operator("|")) operand = parse_filter(std::move(operand));
  return operand;
}

ExpressionPtr ExpressionParser::parse_filter(ExpressionPtr operand) {
  const Token token = expect(TokenKind::kName, "the name of a filter");
  if (is_operator(".")) fail("filters with a dot in the name are not supported; use parentheses");
  if (!is_filter(token.text))
    fail_at(name_, token.place, fmt::format("the filter \"{}\" is not supported", token.text));
  ExpressionPtr node = make(ExpressionKind::kFilter, token.place, std::move(operand));
  node->name = token.text;
  if (is_operator("(")) node->arguments = parse_arguments();
  return finish(std::move(node));
}

// An argument may follow without parentheses: x is divisibleby 3.
bool ExpressionParser::begins_test_argument() const {
  switch (peek().kind) {
    case TokenKind::kInteger:
    case TokenKind::kFloat:
    case TokenKind::kString:
      return true;
    case TokenKind::kName:
      return !is_name("else") && !is_name("or") && !is_name("and");
    default:
      return is_operator("[") || is_operator("{");
  }
}

ExpressionPtr ExpressionParser::parse_test(ExpressionPtr operand) {
  const Place place = take().place;
  const bool is_negated = accept_name("not");
  const Token token = expect(TokenKind::kName, "the name of a test");
  if (!is_test(token.text))
    fail_at(name_, token.place, fmt::format("the test \"{}\" is not supported", token.text));
  ExpressionPtr node = make(ExpressionKind::kTest, token.place, std::move(operand));
  node->name = token.text;
  if (is_operator("(")) {
    node->arguments = parse_arguments();
  } else if (begins_test_argument()) {
    if (is_name("is")) fail("tests cannot be chained with \"is\"");
    node->arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  node = finish(std::move(node));
  return is_negated ? make(ExpressionKind::kNot, place, std::move(node)) : std::move(node);
}

}  // namespace pgtrain::jinja
