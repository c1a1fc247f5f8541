#include "text/jinja_tests.h"

#include <spdlog/fmt/fmt.h>

#include <functional>
#include <map>

#include "text/jinja_methods.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"

namespace pgtrain::jinja {
namespace {

struct Context {
  const std::string& name;
  const Value& value;
  const Call& call;
  Budget& budget;

  Bound bind(std::initializer_list<const char*> parameters) const {
    return Bound(call, fmt::format("the test \"{}\"", name), parameters);
  }
};
using Test = std::function<bool(const Context&)>;

Test of_value(bool (*f)(const Value&)) {
  return [f](const Context& c) {
    c.bind({});
    return f(c.value);
  };
}

Test of_pair(bool (*f)(const Value&, const Value&)) {
  return [f](const Context& c) { return f(c.value, c.bind({"other"}).need(0)); };
}

bool leaves(const Context& c, const Value& by, int64_t remainder) {
  return equal(binary("%", c.value, by, c.budget), Value(remainder));
}

bool is_iterable(const Value& v) {
  return v.is_undefined() || v.is_text() || v.is_sequence() || v.is_dict() || v.is<LoopState*>();
}

// What has a length and items: generators and views have not both.
bool is_sequence(const Value& v) {
  if (v.is_undefined() || v.is_text() || v.is_dict()) return true;
  if (!v.is_sequence()) return false;
  const SequenceKind kind = v.sequence().kind;
  return kind == SequenceKind::kList || kind == SequenceKind::kTuple ||
         kind == SequenceKind::kRange;
}

bool same_as(const Value& a, const Value& b) {
  const bool is_singleton = (a.is_none() || a.is_bool()) && (b.is_none() || b.is_bool());
  if (!is_singleton && a.type_name() == b.type_name())
    throw Fault("the test \"sameas\" of values other than true, false and none is not supported");
  return a.type_name() == b.type_name() && equal(a, b);
}

bool has_case(const Context& c, const char* method) {
  c.bind({});
  return truth(call_method(Value(print(c.value, c.budget)), method, {}, c.budget));
}

const std::map<std::string, Test>& tests() {
  static const std::map<std::string, Test> table = [] {
    std::map<std::string, Test> t = {
        {"defined", of_value([](const Value& v) { return !v.is_undefined(); })},
        {"undefined", of_value([](const Value& v) { return v.is_undefined(); })},
        {"none", of_value([](const Value& v) { return v.is_none(); })},
        {"boolean", of_value([](const Value& v) { return v.is_bool(); })},
        {"true", of_value([](const Value& v) { return v.is_bool() && v.boolean(); })},
        {"false", of_value([](const Value& v) { return v.is_bool() && !v.boolean(); })},
        {"integer", of_value([](const Value& v) { return v.is<int64_t>(); })},
        {"float", of_value([](const Value& v) { return v.is<double>(); })},
        {"number", of_value([](const Value& v) { return v.is_number(); })},
        {"string", of_value([](const Value& v) { return v.is_text(); })},
        {"mapping", of_value([](const Value& v) { return v.is_dict(); })},
        {"iterable", of_value(is_iterable)},
        {"sequence", of_value(is_sequence)},
        {"callable", of_value([](const Value& v) {
           return v.is_undefined() || v.is<Function>() || v.is<const Closure*>();
         })},
        {"sameas", of_pair(same_as)},
        {"eq", of_pair(equal)},
        {"ne", of_pair([](const Value& a, const Value& b) { return !equal(a, b); })},
        {"lt", of_pair([](const Value& a, const Value& b) { return compare(a, b) < 0; })},
        {"le", of_pair([](const Value& a, const Value& b) { return compare(a, b) <= 0; })},
        {"gt", of_pair([](const Value& a, const Value& b) { return compare(a, b) > 0; })},
        {"ge", of_pair([](const Value& a, const Value& b) { return compare(a, b) >= 0; })},
        {"in",
         [](const Context& c) { return contains(c.bind({"seq"}).need(0), c.value, c.budget); }},
        {"even",
         [](const Context& c) {
           c.bind({});
           return leaves(c, Value(int64_t{2}), 0);
         }},
        {"odd",
         [](const Context& c) {
           c.bind({});
           return leaves(c, Value(int64_t{2}), 1);
         }},
        {"divisibleby", [](const Context& c) { return leaves(c, c.bind({"num"}).need(0), 0); }},
        {"lower", [](const Context& c) { return has_case(c, "islower"); }},
        {"upper", [](const Context& c) { return has_case(c, "isupper"); }},
    };
    for (const auto& [name, other] : {std::pair{"equalto", "eq"},
                                      {"==", "eq"},
                                      {"!=", "ne"},
                                      {"<", "lt"},
                                      {"lessthan", "lt"},
                                      {"<=", "le"},
                                      {">", "gt"},
                                      {"greaterthan", "gt"},
                                      {">=", "ge"}})
      t[name] = t[other];
    return t;
  }();
  return table;
}

}  // namespace

bool is_test(const std::string& name) { return tests().count(name) != 0; }

bool run_test(const std::string& name, const Value& value, const Call& call, Budget& budget) {
  const auto found = tests().find(name);
  if (found == tests().end()) throw Fault(fmt::format("the test \"{}\" is not supported", name));
  budget.step();
  return found->second({name, value, call, budget});
}

}  // namespace pgtrain::jinja
