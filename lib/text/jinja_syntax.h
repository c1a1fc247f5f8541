// The syntax tree of a chat template.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja_lexer.h"
#include "text/jinja_value.h"

namespace pgtrain::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

enum class ExpressionKind {
  kConstant,
  kName,
  kList,
  kTuple,
  kDict,       // operands: key, value, key, value...
  kAttribute,  // operands[0].name
  kItem,       // operands[0][operands[1]]
  kSlice,      // operands[0][operands[1]:operands[2]:operands[3]]; null = left out
  kCall,       // operands[0](arguments)
  kFilter,     // operands[0] | name(arguments); a null operand is the text of a filter block
  kTest,       // operands[0] is name(arguments)
  kNot,
  kAnd,
  kOr,
  kNegate,
  kPlus,
  kBinary,     // operands[0] name operands[1]; name: + - * / // % **
  kConcat,     // operands joined by ~
  kCompare,    // operands[0] operators[0] operands[1] operators[1] operands[2]...
  kCondition,  // operands[1] if operands[0] else operands[2] (null = undefined)
};

struct Arguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
};

struct Expression {
  ExpressionKind kind = ExpressionKind::kConstant;
  Place place;
  std::string name;
  Value value;
  std::vector<ExpressionPtr> operands;
  std::vector<std::string> operators;  // == != < <= > >= in, not in
  Arguments arguments;
  int height = 1;  // of the tree
};

// Where `set` and `for` store: a name, namespace.attribute, or several of them.
struct Target {
  Place place;
  std::string name;
  std::string attribute;  // empty = the name itself
  std::vector<Target> parts;
};

struct Statement;
using Body = std::vector<Statement>;

struct Macro {
  std::string name;
  std::vector<std::string> parameters;
  std::vector<ExpressionPtr> defaults;  // of the last parameters
  std::unique_ptr<Body> body;
  std::vector<std::string> hidden;
};

enum class StatementKind {
  kText,
  kOutput,
  kIf,        // branches; the last condition is null for else
  kFor,       // target, value, condition (may be null), branches: body, else
  kSet,       // target = value
  kSetBlock,  // target = text of the body, through the filter `value` when there is one
  kFilterBlock,
  kWith,        // assignments, body
  kGeneration,  // {% generation %}: a body with a scope of its own
  kMacro,
  kBreak,
  kContinue,
};

struct Branch {
  ExpressionPtr condition;
  Body body;
  std::vector<std::string> hidden;  // names that are undefined at its beginning (jinja_symbols.h)
};

struct Statement {
  StatementKind kind = StatementKind::kText;
  Place place;
  std::string text;
  Target target;
  ExpressionPtr value;
  ExpressionPtr condition;
  std::vector<std::pair<std::string, ExpressionPtr>> assignments;
  std::vector<Branch> branches;
  std::shared_ptr<Macro> macro;
};

struct Program {
  Body body;
  std::vector<std::string> hidden;
};

}  // namespace pgtrain::jinja
