#include "text/jinja_evaluator.h"

#include <algorithm>

#include "core/error.h"
#include "text/jinja_filters.h"
#include "text/jinja_methods.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_tests.h"

namespace pgtrain::jinja {

class Evaluator::Depth {
 public:
  explicit Depth(Evaluator& evaluator) : evaluator_(evaluator) {
    if (evaluator_.depth_ >= kMaxRunDepth)
      throw Fault(fmt::format("statements and calls nest deeper than {} levels", kMaxRunDepth));
    ++evaluator_.depth_;
    evaluator_.budget_.step();
  }
  ~Depth() { --evaluator_.depth_; }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;

 private:
  Evaluator& evaluator_;
};

std::string Evaluator::run(const Program& program,
                           std::vector<std::pair<std::string, Value>> variables) {
  const ComparisonLimit limit(Budget::kSteps);
  variables_ = std::move(variables);
  Scope& context = new_scope(nullptr);
  for (const auto& [name, value] : variables_) context.variables[name] = value;
  std::string out;
  execute(program.body, new_scope(&context, program.hidden), out);
  return out;
}

Scope& Evaluator::new_scope(Scope* parent) {
  budget_.allocate(sizeof(Scope));
  scopes_.emplace_back();
  scopes_.back().parent = parent;
  return scopes_.back();
}

Scope& Evaluator::new_scope(Scope* parent, const std::vector<std::string>& hidden) {
  Scope& scope = new_scope(parent);
  budget_.allocate(hidden.size() * sizeof(Value));
  for (const std::string& name : hidden)
    scope.variables[name] = Value::undefined(fmt::format("\"{}\"", name));
  return scope;
}

void Evaluator::write(const std::string& text, std::string& out) {
  budget_.allocate(text.size());
  if (out.size() + text.size() > kMaxOutputBytes)
    throw Fault(fmt::format("the text exceeds {} bytes", kMaxOutputBytes));
  out += text;
}

Evaluator::Flow Evaluator::execute(const Body& body, Scope& scope, std::string& out) {
  for (const Statement& statement : body) {
    Flow flow = Flow::kNext;
    try {
      const Depth depth(*this);
      flow = execute(statement, scope, out);
    } catch (const Fault& fault) {
      fail_at(name_, statement.place, fault.what());
    }
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Evaluator::Flow Evaluator::execute(const Statement& statement, Scope& scope, std::string& out) {
  switch (statement.kind) {
    case StatementKind::kText:
      write(statement.text, out);
      break;
    case StatementKind::kOutput:
      write(print(evaluate(*statement.value, scope), budget_), out);
      break;
    case StatementKind::kIf:
      return execute_if(statement, scope, out);
    case StatementKind::kFor:
      return execute_for(statement, scope, out);
    case StatementKind::kSet:
      assign(statement.target, evaluate(*statement.value, scope), scope);
      break;
    case StatementKind::kSetBlock:
      return execute_set_block(statement, scope);
    case StatementKind::kFilterBlock:
      return execute_filter_block(statement, scope, out);
    case StatementKind::kWith:
      return execute_with(statement, scope, out);
    case StatementKind::kGeneration:
      return execute(statement.branches[0].body, new_scope(&scope, statement.branches[0].hidden),
                     out);
    case StatementKind::kMacro:
      define_macro(statement, scope);
      break;
    case StatementKind::kBreak:
      return Flow::kBreak;
    case StatementKind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kNext;
}

Evaluator::Flow Evaluator::execute_if(const Statement& statement, Scope& scope, std::string& out) {
  for (const Branch& branch : statement.branches)
    if (!branch.condition || truth(evaluate(*branch.condition, scope)))
      return execute(branch.body, scope, out);
  return Flow::kNext;
}

// Reads the items and, when the statement has an `if`, sets what decides on each of them.
void Evaluator::start_loop(const Statement& statement, Scope& scope, LoopState& loop) {
  loop.items = iterate(evaluate(*statement.value, scope), budget_);
  if (!statement.condition) return;
  Scope* outer = &scope;
  loop.accepts = [this, &statement, outer](const Value& item) {
    Scope& inner = new_scope(outer);
    assign(statement.target, item, inner);
    return truth(evaluate(*statement.condition, inner));
  };
}

Evaluator::Flow Evaluator::execute_for(const Statement& statement, Scope& scope, std::string& out) {
  budget_.allocate(sizeof(LoopState));
  LoopState& loop = loops_.emplace_back();
  start_loop(statement, scope, loop);
  bool has_completed = false;  // jinja2 runs else when break or continue ended every iteration
  while (loop.advance()) {
    Scope& inner = new_scope(&scope, statement.branches[0].hidden);
    inner.variables["loop"] = Value(&loop);
    assign(statement.target, loop.current(), inner);
    const Flow flow = execute(statement.branches[0].body, inner, out);
    if (flow == Flow::kBreak) break;
    has_completed = has_completed || flow == Flow::kNext;
  }
  const bool has_else = statement.branches.size() > 1;
  return has_else && !has_completed ? execute(statement.branches[1].body,
                                              new_scope(&scope, statement.branches[1].hidden), out)
                                    : Flow::kNext;
}

Evaluator::Flow Evaluator::execute_set_block(const Statement& statement, Scope& scope) {
  std::string text;
  const Flow flow =
      execute(statement.branches[0].body, new_scope(&scope, statement.branches[0].hidden), text);
  if (flow != Flow::kNext) return flow;
  assign(statement.target,
         statement.value ? filter_text(*statement.value, text, scope) : Value(text), scope);
  return Flow::kNext;
}

Evaluator::Flow Evaluator::execute_filter_block(const Statement& statement, Scope& scope,
                                                std::string& out) {
  std::string text;
  const Flow flow =
      execute(statement.branches[0].body, new_scope(&scope, statement.branches[0].hidden), text);
  if (flow != Flow::kNext) return flow;
  write(print(filter_text(*statement.value, text, scope), budget_), out);
  return Flow::kNext;
}

Evaluator::Flow Evaluator::execute_with(const Statement& statement, Scope& scope,
                                        std::string& out) {
  Scope& inner = new_scope(&scope, statement.branches[0].hidden);
  // The values are those of the outer names.
  for (const auto& [name, value] : statement.assignments)
    inner.variables[name] = evaluate(*value, scope);
  return execute(statement.branches[0].body, inner, out);
}

void Evaluator::define_macro(const Statement& statement, Scope& scope) {
  budget_.allocate(sizeof(Closure));
  Closure& closure = closures_.emplace_back();
  closure = {statement.macro.get(), &scope};
  scope.variables[statement.target.name] = Value(&std::as_const(closure));
}

void Evaluator::assign(const Target& target, const Value& value, Scope& scope) {
  if (target.parts.empty() && target.attribute.empty()) {
    scope.variables[target.name] = value;
    return;
  }
  if (target.parts.empty()) {
    const Value holder = look_up(target.name, scope);
    if (!holder.is<Namespace*>())
      throw Fault(fmt::format("\"{}\" is no namespace, so that its \"{}\" cannot be set",
                              target.name, target.attribute));
    if (target.attribute[0] == '_')
      throw Fault("attributes of a namespace must not begin with \"_\"");
    holder.pointer<Namespace>()->attributes[target.attribute] = value;
    return;
  }
  const std::vector<Value> items = iterate(value, budget_);
  if (items.size() != target.parts.size())
    throw Fault(fmt::format("{} values for {} names", items.size(), target.parts.size()));
  for (size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i], scope);
}

Value Evaluator::evaluate(const Expression& e, Scope& scope) {
  try {
    const Depth depth(*this);
    return dispatch(e, scope);
  } catch (const Fault& fault) {
    fail_at(name_, e.place, fault.what());
  }
}

Value Evaluator::dispatch(const Expression& e, Scope& scope) {
  const auto operand = [&](size_t i) { return evaluate(*e.operands[i], scope); };
  switch (e.kind) {
    case ExpressionKind::kConstant:
      return e.value;
    case ExpressionKind::kName:
      return look_up(e.name, scope);
    case ExpressionKind::kList:
      return Value::list(evaluate_all(e.operands, scope));
    case ExpressionKind::kTuple:
      return Value::sequence(SequenceKind::kTuple, evaluate_all(e.operands, scope));
    case ExpressionKind::kDict:
      return make_dict(e, scope);
    case ExpressionKind::kAttribute:
      return attribute(operand(0), e.name);
    case ExpressionKind::kItem: {
      const Value object = operand(0);
      return item(object, operand(1), budget_);
    }
    case ExpressionKind::kSlice: {
      const Value object = operand(0);
      const Value start = optional(e.operands[1], scope);
      const Value stop = optional(e.operands[2], scope);
      return slice(object, start, stop, optional(e.operands[3], scope), budget_);
    }
    case ExpressionKind::kCall:
      return call(e, scope);
    case ExpressionKind::kFilter: {
      const Value object = e.operands[0] ? operand(0) : Value(*block_text_);
      return run_filter(e.name, object, evaluate_arguments(e.arguments, scope), budget_);
    }
    case ExpressionKind::kTest: {
      const Value object = operand(0);
      return run_test(e.name, object, evaluate_arguments(e.arguments, scope), budget_);
    }
    case ExpressionKind::kNot:
      return !truth(operand(0));
    case ExpressionKind::kAnd: {
      const Value left = operand(0);
      return truth(left) ? operand(1) : left;
    }
    case ExpressionKind::kOr: {
      const Value left = operand(0);
      return truth(left) ? left : operand(1);
    }
    case ExpressionKind::kNegate:
      return negate(operand(0));
    case ExpressionKind::kPlus:
      return binary("+", Value(int64_t{0}), operand(0), budget_);
    case ExpressionKind::kBinary: {
      const Value left = operand(0);
      return binary(e.name, left, operand(1), budget_);
    }
    case ExpressionKind::kConcat:
      return concat(e, scope);
    case ExpressionKind::kCompare:
      return compare_chain(e, scope);
    case ExpressionKind::kCondition:
      return condition(e, scope);
  }
  return {};
}

Value Evaluator::optional(const ExpressionPtr& e, Scope& scope) {
  return e ? evaluate(*e, scope) : Value();
}

Value Evaluator::look_up(const std::string& name, Scope& scope) {
  if (const Value* found = scope.find(name)) return *found;
  for (const char* function : {"range", "dict", "namespace", "raise_exception", "strftime_now"})
    if (name == function) return Value(Function{name, nullptr});
  return Value::undefined(fmt::format("\"{}\"", name));
}

std::vector<Value> Evaluator::evaluate_all(const std::vector<ExpressionPtr>& list, Scope& scope) {
  budget_.allocate(list.size() * sizeof(Value));
  std::vector<Value> values;
  values.reserve(list.size());
  for (const ExpressionPtr& e : list) values.push_back(evaluate(*e, scope));
  return values;
}

Value Evaluator::make_dict(const Expression& e, Scope& scope) {
  std::vector<Value> values = evaluate_all(e.operands, scope);
  std::vector<std::pair<std::string, Value>> items;
  for (size_t i = 0; i < values.size(); i += 2) {
    if (!values[i].is_text())
      throw Fault(
          fmt::format("the keys of a dictionary must be texts, not {}; others are not "
                      "supported",
                      values[i].describe()));
    items.emplace_back(values[i].text(), std::move(values[i + 1]));
  }
  return Value::dict(std::move(items));
}

Value Evaluator::concat(const Expression& e, Scope& scope) {
  std::string text;
  for (const ExpressionPtr& part : e.operands) write(print(evaluate(*part, scope), budget_), text);
  return text;
}

Value Evaluator::compare_chain(const Expression& e, Scope& scope) {
  Value left = evaluate(*e.operands[0], scope);
  for (size_t i = 0; i < e.operators.size(); ++i) {
    Value right = evaluate(*e.operands[i + 1], scope);
    if (!holds(e.operators[i], left, right, budget_)) return false;
    left = std::move(right);
  }
  return true;
}

Value Evaluator::condition(const Expression& e, Scope& scope) {
  if (truth(evaluate(*e.operands[0], scope))) return evaluate(*e.operands[1], scope);
  if (e.operands[2]) return evaluate(*e.operands[2], scope);
  return Value::undefined("the value of an if without else");
}

Call Evaluator::evaluate_arguments(const Arguments& arguments, Scope& scope) {
  Call call;
  for (const ExpressionPtr& e : arguments.positional)
    call.positional.push_back(evaluate(*e, scope));
  for (const auto& [name, e] : arguments.named) call.named.emplace_back(name, evaluate(*e, scope));
  return call;
}

Value Evaluator::filter_text(const Expression& filters, const std::string& text, Scope& scope) {
  const std::string* outer = std::exchange(block_text_, &text);
  Value result = evaluate(filters, scope);
  block_text_ = outer;
  return result;
}

Value Evaluator::call(const Expression& e, Scope& scope) {
  const Value callee = evaluate(*e.operands[0], scope);
  const Call arguments = evaluate_arguments(e.arguments, scope);
  if (callee.is<const Closure*>()) return call_macro(*callee.pointer<const Closure>(), arguments);
  if (!callee.is<Function>()) throw Fault(fmt::format("{} cannot be called", callee.describe()));
  const Function& function = callee.function();
  if (function.object) return call_method(*function.object, function.name, arguments, budget_);
  return call_function(function.name, arguments, e.place);
}

Value Evaluator::call_macro(const Closure& closure, const Call& call) {
  const Macro& macro = *closure.macro;
  const size_t count = macro.parameters.size();
  if (call.positional.size() > count)
    throw Fault(fmt::format("the macro \"{}\" takes {} arguments, not {}", macro.name, count,
                            call.positional.size()));
  Scope& scope = new_scope(closure.scope, macro.hidden);
  for (size_t i = 0; i < call.positional.size(); ++i)
    scope.variables[macro.parameters[i]] = call.positional[i];
  for (const auto& [name, value] : call.named) {
    const auto parameter = std::find(macro.parameters.begin(), macro.parameters.end(), name);
    if (parameter == macro.parameters.end())
      throw Fault(fmt::format("the macro \"{}\" has no parameter \"{}\"", macro.name, name));
    if (!scope.variables.emplace(*parameter, value).second)
      throw Fault(fmt::format("the macro \"{}\": \"{}\" is given twice", macro.name, name));
  }
  const size_t first_default = count - macro.defaults.size();
  for (size_t i = 0; i < count; ++i) {
    if (scope.variables.count(macro.parameters[i]) != 0) continue;
    scope.variables[macro.parameters[i]] =
        i < first_default ? Value::undefined(fmt::format("parameter \"{}\"", macro.parameters[i]))
                          : evaluate(*macro.defaults[i - first_default], scope);
  }
  std::string text;
  execute(*macro.body, scope, text);
  return text;
}

Value Evaluator::call_function(const std::string& name, const Call& call, Place place) {
  if (name == "range") return make_range(call);
  if (name == "namespace") return make_namespace(call);
  if (name == "strftime_now") return format_time(call);
  if (name == "raise_exception")
    throw DataError(fmt::format(
        "{}:{}:{}: the template refuses the conversation: {}", name_, place.line, place.column,
        print(Bound(call, "raise_exception", {"message"}).need(0), budget_)));
  if (!call.positional.empty()) throw Fault("dict() takes named arguments only here");
  return Value::dict(call.named);
}

Value Evaluator::make_range(const Call& call) {
  constexpr int64_t kMost = 100'000;  // as in Jinja's sandbox
  const Bound args(call, "range()", {"start", "stop", "step"});
  const int64_t a = (args.need(0), args.integer(0, 0));
  const bool has_stop = args.get(1) != nullptr;
  const int64_t start = has_stop ? a : 0;
  const int64_t stop = has_stop ? args.integer(1, 0) : a;
  const int64_t step = args.integer(2, 1);
  if (step == 0) throw Fault("range(): the step is 0");
  std::vector<Value> items;
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    budget_.allocate(sizeof(Value));
    items.emplace_back(i);
    if (items.size() > kMost) throw Fault(fmt::format("range(): more than {} numbers", kMost));
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return Value::sequence(SequenceKind::kRange, std::move(items));
}

Value Evaluator::make_namespace(const Call& call) {
  budget_.allocate(sizeof(Namespace));
  Namespace& space = namespaces_.emplace_back();
  if (call.positional.size() > 1) throw Fault("namespace() takes one dictionary");
  std::vector<std::pair<std::string, Value>> items;
  if (!call.positional.empty()) {
    if (!call.positional[0].is_dict()) throw Fault("namespace() takes a dictionary");
    items = call.positional[0].dict().items;
  }
  items.insert(items.end(), call.named.begin(), call.named.end());
  for (const auto& [name, value] : items) {
    if (!name.empty() && name[0] == '_')
      throw Fault("attributes of a namespace must not begin with \"_\"");
    space.attributes[name] = value;
  }
  return Value(&space);
}

Value Evaluator::format_time(const Call& call) {
  const Bound args(call, "strftime_now", {"format"});
  const std::string& format = args.text(0);
  if (format.empty()) return format;
  std::tm fields{};
  localtime_r(&now_, &fields);
  char buffer[1024];
  if (format.find('\0') != std::string::npos) throw Fault("strftime_now: the format holds a NUL");
  const size_t size = std::strftime(buffer, sizeof buffer, format.c_str(), &fields);
  if (size == 0) throw Fault("strftime_now: the result is empty or too long");
  return std::string(buffer, size);
}

}  // namespace pgtrain::jinja
