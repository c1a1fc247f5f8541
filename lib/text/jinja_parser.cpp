#include "text/jinja_parser.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "text/jinja_expression_parser.h"
#include "text/jinja_symbols.h"

namespace pgtrain::jinja {
namespace {

class StatementParser : ExpressionParser {
 public:
  StatementParser(std::vector<Token> tokens, const std::string& name)
      : ExpressionParser(std::move(tokens), name) {}

  Body parse() { return parse_body({}); }

 private:
  using Names = std::vector<std::string>;

  // Statements up to a tag that begins with one of the names, which is left as the next token; up
  // to the end of the template when there are no names.
  Body parse_body(const Names& end_names) {
    const Depth depth(*this);
    const Place begin = peek().place;
    Body body;
    for (;;) {
      if (peek().kind == TokenKind::kEnd) {
        if (end_names.empty()) return body;
        fail_at(name(), begin, fmt::format("\"{{% {} %}}\" is missing", end_names.back()));
      }
      if (peek().kind == TokenKind::kBlockBegin) {
        take();
        const Token& word = peek();
        if (word.kind != TokenKind::kName) fail("a tag begins with a name");
        if (std::find(end_names.begin(), end_names.end(), word.text) != end_names.end())
          return body;
        body.push_back(parse_statement());
      } else {
        body.push_back(parse_output());
      }
    }
  }

  Body parse_block(const Names& end_names) {
    expect(TokenKind::kBlockEnd, "%}");
    return parse_body(end_names);
  }
  // The rest of {% endname %}, of which the name is next.
  void finish_block() {
    take();
    expect(TokenKind::kBlockEnd, "%}");
  }

  Statement make(StatementKind kind, Place place) {
    Statement statement;
    statement.kind = kind;
    statement.place = place;
    return statement;
  }

  Statement parse_output() {
    const Token token = take();
    if (token.kind == TokenKind::kData) {
      Statement statement = make(StatementKind::kText, token.place);
      statement.text = token.text;
      return statement;
    }
    Statement statement = make(StatementKind::kOutput, token.place);
    statement.value = parse_tuple(true);
    expect(TokenKind::kVariableEnd, "}}");
    return statement;
  }

  Statement parse_statement() {
    const Token word = take();
    if (word.text == "if") return parse_if(word.place);
    if (word.text == "for") return parse_for(word.place);
    if (word.text == "set") return parse_set(word.place);
    if (word.text == "macro") return parse_macro(word.place);
    if (word.text == "with") return parse_with(word.place);
    if (word.text == "filter") return parse_filter_block(word.place);
    if (word.text == "generation") return parse_generation(word.place);
    if (word.text == "break" || word.text == "continue") return parse_jump(word);
    if (word.text.rfind("end", 0) == 0 || word.text == "else" || word.text == "elif")
      fail_at(name(), word.place, fmt::format("\"{}\" closes nothing here", word.text));
    fail_at(name(), word.place, fmt::format("the tag \"{}\" is not supported", word.text));
  }

  Statement parse_if(Place place) {
    Statement statement = make(StatementKind::kIf, place);
    for (;;) {
      Branch branch;
      branch.condition = parse_tuple(false);
      branch.body = parse_block({"elif", "else", "endif"});
      statement.branches.push_back(std::move(branch));
      if (peek().text != "elif") break;
      take();
    }
    parse_else(statement, "endif");
    finish_block();
    return statement;
  }

  void parse_else(Statement& statement, const std::string& end_name) {
    if (peek().text != "else") return;
    take();
    statement.branches.push_back({nullptr, parse_block({end_name}), {}});
  }

  Statement parse_for(Place place) {
    Statement statement = make(StatementKind::kFor, place);
    statement.target = parse_targets(false);
    expect_name("in");
    statement.value = parse_tuple(false, "recursive");
    if (accept_name("if")) statement.condition = parse_expression();
    if (is_name("recursive")) fail("recursive loops are not supported");
    ++loops_;
    statement.branches.push_back({nullptr, parse_block({"else", "endfor"}), {}});
    --loops_;
    parse_else(statement, "endfor");
    finish_block();
    return statement;
  }

  Statement parse_jump(const Token& word) {
    if (loops_ == 0)
      fail_at(name(), word.place, fmt::format("\"{}\" outside of a loop", word.text));
    expect(TokenKind::kBlockEnd, "%}");
    return make(word.text == "break" ? StatementKind::kBreak : StatementKind::kContinue,
                word.place);
  }

  Target parse_target(bool may_have_attribute) {
    const Token token = expect(TokenKind::kName, "a name");
    static const std::array<const char*, 6> kConstants = {"true", "false", "none",
                                                          "True", "False", "None"};
    if (std::find(kConstants.begin(), kConstants.end(), token.text) != kConstants.end())
      fail_at(name(), token.place, fmt::format("\"{}\" cannot be assigned", token.text));
    if (token.text == "loop") fail_at(name(), token.place, "setting \"loop\" is not supported");
    Target target{token.place, token.text, "", {}};
    if (may_have_attribute && accept_operator("."))
      target.attribute = expect(TokenKind::kName, "a name").text;
    return target;
  }

  // One target, or several separated by commas, perhaps in parentheses.
  Target parse_targets(bool may_have_attribute) {
    const Depth depth(*this);
    Target all{peek().place, "", "", {}};
    bool has_comma = false;
    for (;;) {
      if (accept_operator("(")) {
        all.parts.push_back(parse_targets(may_have_attribute));
        expect_operator(")");
      } else {
        all.parts.push_back(parse_target(may_have_attribute));
      }
      if (!accept_operator(",")) break;
      has_comma = true;
      if (peek().kind != TokenKind::kName && !is_operator("(")) break;
      if (is_name("in")) break;
    }
    if (!has_comma) {
      Target only = std::move(all.parts.front());
      return only;
    }
    return all;
  }

  Statement parse_set(Place place) {
    Statement statement = make(StatementKind::kSet, place);
    statement.target = parse_targets(true);
    if (accept_operator("=")) {
      statement.value = parse_tuple(true);
      expect(TokenKind::kBlockEnd, "%}");
      return statement;
    }
    statement.kind = StatementKind::kSetBlock;
    if (is_operator("|")) statement.value = parse_filters(nullptr);
    statement.branches.push_back({nullptr, parse_block({"endset"}), {}});
    finish_block();
    return statement;
  }

  Statement parse_filter_block(Place place) {
    Statement statement = make(StatementKind::kFilterBlock, place);
    statement.value = parse_filters(parse_filter(nullptr));
    parse_scope(statement, "endfilter", loops_);
    return statement;
  }

  // A body in which break and continue do not reach the loops around it when `loops` is 0.
  void parse_scope(Statement& statement, const std::string& end_name, int loops) {
    std::swap(loops, loops_);
    statement.branches.push_back({nullptr, parse_block({end_name}), {}});
    std::swap(loops, loops_);
    finish_block();
  }

  Statement parse_generation(Place place) {
    Statement statement = make(StatementKind::kGeneration, place);
    parse_scope(statement, "endgeneration", 0);
    return statement;
  }

  Statement parse_with(Place place) {
    Statement statement = make(StatementKind::kWith, place);
    while (peek().kind != TokenKind::kBlockEnd) {
      if (!statement.assignments.empty()) expect_operator(",");
      const Target target = parse_target(false);
      expect_operator("=");
      statement.assignments.emplace_back(target.name, parse_expression());
    }
    parse_scope(statement, "endwith", loops_);
    return statement;
  }

  Statement parse_macro(Place place) {
    Statement statement = make(StatementKind::kMacro, place);
    auto macro = std::make_shared<Macro>();
    statement.target = parse_target(false);
    macro->name = statement.target.name;
    parse_parameters(*macro);
    parse_scope(statement, "endmacro", 0);
    macro->body = std::make_unique<Body>(std::move(statement.branches.front().body));
    statement.branches.clear();
    statement.macro = std::move(macro);
    return statement;
  }

  void parse_parameters(Macro& macro) {
    expect_operator("(");
    while (!is_operator(")")) {
      if (!macro.parameters.empty()) expect_operator(",");
      if (is_operator(")")) break;
      const Target parameter = parse_target(false);
      if (std::count(macro.parameters.begin(), macro.parameters.end(), parameter.name) > 0)
        fail_at(name(), parameter.place, fmt::format("\"{}\" appears twice", parameter.name));
      macro.parameters.push_back(parameter.name);
      if (accept_operator("="))
        macro.defaults.push_back(parse_expression());
      else if (!macro.defaults.empty())
        fail("a parameter without default after one with a default");
    }
    take();
  }

  int loops_ = 0;  // around the statement
};

}  // namespace

Program parse_template(std::string_view source, const std::string& name) {
  if (source.size() > kMaxTemplateBytes)
    throw ConfigError(fmt::format("{}: {} bytes; a template may have {}", name, source.size(),
                                  kMaxTemplateBytes));
  Program program{StatementParser(read_tokens(source, name), name).parse(), {}};
  find_hidden_names(program, name);
  return program;
}

}  // namespace pgtrain::jinja
