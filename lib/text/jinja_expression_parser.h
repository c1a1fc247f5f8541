// The expressions of a template: recursive descent with the precedence of Jinja 2, lowest first:
//   a if c else b;  or;  and;  not;  == != < <= > >= in, not in;  + -;  ~;  * / // %;  **;
//   unary + -;  . [] ();  | is
#pragma once

#include <string>
#include <vector>

#include "text/jinja_syntax.h"

namespace pgtrain::jinja {

class ExpressionParser {
 public:
  ExpressionParser(std::vector<Token> tokens, const std::string& name)
      : tokens_(std::move(tokens)), name_(name) {}

 protected:
  // Counts nested calls and refuses too many.
  class Depth {
   public:
    explicit Depth(ExpressionParser& parser);
    ~Depth() { --parser_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    ExpressionParser& parser_;
  };

  const std::string& name() const { return name_; }
  const Token& peek(size_t ahead = 0) const;
  Token take();
  [[noreturn]] void fail(const std::string& message) const;

  bool is_name(const char* text) const;
  bool is_operator(const char* text) const;
  bool accept_name(const char* text);
  bool accept_operator(const char* text);
  Token expect(TokenKind kind, const char* what);
  void expect_name(const char* text);
  void expect_operator(const char* text);

  ExpressionPtr parse_expression();
  // One expression, or several with commas, which make a tuple; it ends before the name
  // `end_name`. Without conditions, "if" ends it.
  ExpressionPtr parse_tuple(bool with_conditions, const char* end_name = "");
  // Further filters: | name(arguments)...
  ExpressionPtr parse_filters(ExpressionPtr operand);
  // The name and arguments of one filter.
  ExpressionPtr parse_filter(ExpressionPtr operand);

 private:
  ExpressionPtr make(ExpressionKind kind, Place place, std::vector<ExpressionPtr> operands = {});
  ExpressionPtr make(ExpressionKind kind, Place place, ExpressionPtr operand);
  ExpressionPtr make(ExpressionKind kind, Place place, ExpressionPtr a, ExpressionPtr b);
  ExpressionPtr finish(ExpressionPtr node) const;

  ExpressionPtr parse_condition();
  ExpressionPtr parse_or();
  ExpressionPtr parse_and();
  ExpressionPtr parse_not();
  ExpressionPtr parse_compare();
  std::string take_comparison();
  ExpressionPtr parse_sum();
  ExpressionPtr parse_concat();
  ExpressionPtr parse_product();
  ExpressionPtr parse_power();
  ExpressionPtr parse_unary(bool with_filters);
  ExpressionPtr parse_primary();
  ExpressionPtr parse_name();
  ExpressionPtr parse_number();
  ExpressionPtr parse_strings();
  ExpressionPtr parse_list();
  ExpressionPtr parse_dict();
  ExpressionPtr parse_postfix(ExpressionPtr operand);
  ExpressionPtr parse_attribute(ExpressionPtr operand);
  ExpressionPtr parse_subscript(ExpressionPtr operand);
  ExpressionPtr parse_slice(Place place, ExpressionPtr operand, ExpressionPtr start);
  ExpressionPtr parse_call(ExpressionPtr operand);
  ExpressionPtr parse_filter_expression(ExpressionPtr operand);
  ExpressionPtr parse_test(ExpressionPtr operand);
  Arguments parse_arguments();
  bool ends_tuple(const char* end_name) const;
  bool begins_test_argument() const;

  std::vector<Token> tokens_;
  const std::string& name_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace pgtrain::jinja
