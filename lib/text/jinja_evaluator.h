// Runs a syntax tree.
#pragma once

#include <ctime>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja_budget.h"
#include "text/jinja_call.h"
#include "text/jinja_runtime.h"
#include "text/jinja_syntax.h"

namespace pgtrain::jinja {

constexpr size_t kMaxOutputBytes = size_t{16} << 20;
constexpr int kMaxRunDepth = 500;  // of nested statements, operators and calls of macros

class Evaluator {
 public:
  // name: of the template, for messages. now: what strftime_now reads, in local time.
  Evaluator(const std::string& name, std::time_t now) : name_(name), now_(now) {}

  // The text that the template gives. Throws ConfigError "name:line:column: message" for what goes
  // wrong in the template or exceeds the limits, DataError when it calls raise_exception.
  std::string run(const Program& program, std::vector<std::pair<std::string, Value>> variables);

 private:
  enum class Flow { kNext, kBreak, kContinue };
  class Depth;

  Scope& new_scope(Scope* parent);
  // A scope in which the names are undefined.
  Scope& new_scope(Scope* parent, const std::vector<std::string>& hidden);

  Flow execute(const Body& body, Scope& scope, std::string& out);
  Flow execute(const Statement& statement, Scope& scope, std::string& out);
  void write(const std::string& text, std::string& out);
  Flow execute_if(const Statement& statement, Scope& scope, std::string& out);
  Flow execute_for(const Statement& statement, Scope& scope, std::string& out);
  void start_loop(const Statement& statement, Scope& scope, LoopState& loop);
  Flow execute_set_block(const Statement& statement, Scope& scope);
  Flow execute_filter_block(const Statement& statement, Scope& scope, std::string& out);
  Flow execute_with(const Statement& statement, Scope& scope, std::string& out);
  void define_macro(const Statement& statement, Scope& scope);
  void assign(const Target& target, const Value& value, Scope& scope);

  Value evaluate(const Expression& e, Scope& scope);
  Value dispatch(const Expression& e, Scope& scope);
  Value optional(const ExpressionPtr& e, Scope& scope);
  Value look_up(const std::string& name, Scope& scope);
  std::vector<Value> evaluate_all(const std::vector<ExpressionPtr>& list, Scope& scope);
  Value make_dict(const Expression& e, Scope& scope);
  Value concat(const Expression& e, Scope& scope);
  Value compare_chain(const Expression& e, Scope& scope);
  Value condition(const Expression& e, Scope& scope);
  Call evaluate_arguments(const Arguments& arguments, Scope& scope);
  Value call(const Expression& e, Scope& scope);
  Value call_function(const std::string& name, const Call& call, Place place);
  Value call_macro(const Closure& closure, const Call& call);
  // The filters of a block on its text.
  Value filter_text(const Expression& filters, const std::string& text, Scope& scope);

  Value make_range(const Call& call);
  Value make_namespace(const Call& call);
  Value format_time(const Call& call);

  const std::string& name_;
  std::time_t now_;
  Budget budget_;
  int depth_ = 0;
  const std::string* block_text_ = nullptr;  // operand of the filters of a block
  // All live to the end of the rendering.
  std::deque<Scope> scopes_;
  std::deque<Namespace> namespaces_;
  std::deque<LoopState> loops_;
  std::deque<Closure> closures_;
  std::vector<std::pair<std::string, Value>> variables_;
};

}  // namespace pgtrain::jinja
