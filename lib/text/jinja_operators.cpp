#include "text/jinja_operators.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "text/jinja_call.h"
#include "text/unicode.h"

namespace pgtrain::jinja {
namespace {

constexpr const char* kTooLarge = "the number is beyond 64 bits";

[[noreturn]] void fail_types(const std::string& op, const Value& a, const Value& b) {
  throw Fault(fmt::format("\"{}\" between {} and {}", op, a.describe(), b.describe()));
}

int64_t checked(bool overflows, int64_t result) {
  if (overflows) throw Fault(kTooLarge);
  return result;
}

// Python rounds the quotient down, and the remainder has the sign of the divisor.
int64_t floor_quotient(int64_t a, int64_t b) {
  if (b == 0) throw Fault("division by zero");
  if (b == -1) {
    int64_t result = 0;
    return checked(__builtin_sub_overflow(int64_t{0}, a, &result), result);
  }
  const int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a % b < 0) != (b < 0) ? 1 : 0);
}

int64_t floor_remainder(int64_t a, int64_t b) {
  if (b == 0) throw Fault("division by zero");
  if (b == -1) return 0;
  const int64_t remainder = a % b;
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

double floor_remainder(double a, double b) {
  if (b == 0) throw Fault("division by zero");
  double remainder = std::fmod(a, b);
  if (remainder == 0) return std::copysign(0.0, b);
  if ((remainder < 0) != (b < 0)) remainder += b;
  return remainder;
}

// As CPython's float floor division: exact when the quotient is a whole number.
double floor_quotient(double a, double b) {
  if (b == 0) throw Fault("division by zero");
  const double remainder = std::fmod(a, b);
  double quotient = (a - remainder) / b;
  if (remainder != 0 && (b < 0) != (remainder < 0)) quotient -= 1;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floor = std::floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

int64_t integer_power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result))
      throw Fault(kTooLarge);
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) throw Fault(kTooLarge);
  }
  return result;
}

Value power(const Value& a, const Value& b) {
  // jinja2 makes -4 of "-2 ** n" and 4 of "-2 ** 2" and "-m ** 2".
  if (a.number() < 0) throw Fault("\"**\" with a negative base is not supported");
  if (a.is_integer() && b.is_integer() && b.integer() >= 0)
    return integer_power(a.integer(), b.integer());
  if (a.number() == 0 && b.number() < 0) throw Fault("zero to a negative power");
  const double result = std::pow(a.number(), b.number());
  if (std::isinf(result) && std::isfinite(a.number()) && std::isfinite(b.number()))
    throw Fault("the number is too large");
  return result;
}

Value divide(const Value& a, const Value& b) {
  if (b.number() == 0) throw Fault("division by zero");
  constexpr int64_t kExact = int64_t{1} << 53;
  const auto exact = [](const Value& v) {
    return !v.is_integer() || (v.integer() >= -kExact && v.integer() <= kExact);
  };
  if (a.is_integer() && b.is_integer() && !(exact(a) && exact(b)))
    throw Fault("division of integers beyond 53 bits is not supported");
  return a.number() / b.number();
}

Value integer_arithmetic(char op, int64_t a, int64_t b) {
  int64_t result = 0;
  if (op == '+') return checked(__builtin_add_overflow(a, b, &result), result);
  if (op == '-') return checked(__builtin_sub_overflow(a, b, &result), result);
  return checked(__builtin_mul_overflow(a, b, &result), result);
}

Value arithmetic(const std::string& op, const Value& a, const Value& b) {
  if (op == "/") return divide(a, b);
  if (op == "**") return power(a, b);
  const bool are_integers = a.is_integer() && b.is_integer();
  if (op == "//")
    return are_integers ? Value(floor_quotient(a.integer(), b.integer()))
                        : Value(floor_quotient(a.number(), b.number()));
  if (op == "%")
    return are_integers ? Value(floor_remainder(a.integer(), b.integer()))
                        : Value(floor_remainder(a.number(), b.number()));
  if (are_integers) return integer_arithmetic(op[0], a.integer(), b.integer());
  if (op == "+") return a.number() + b.number();
  return op == "-" ? a.number() - b.number() : a.number() * b.number();
}

bool is_concatenated(const Value& v) {
  return v.is_sequence() &&
         (v.sequence().kind == SequenceKind::kList || v.sequence().kind == SequenceKind::kTuple);
}

Value concatenate(const Value& a, const Value& b, Budget& budget) {
  std::vector<Value> items = a.sequence().items;
  const std::vector<Value>& more = b.sequence().items;
  budget.allocate((items.size() + more.size()) * sizeof(Value));
  items.insert(items.end(), more.begin(), more.end());
  return Value::sequence(a.sequence().kind, std::move(items));
}

size_t repeated_size(size_t size, int64_t times) {
  if (times <= 0 || size == 0) return 0;
  if (static_cast<uint64_t>(times) > static_cast<uint64_t>(Budget::kBytes) / size)
    throw Fault("the template takes too much memory");
  return size * static_cast<size_t>(times);
}

Value repeat(const Value& value, int64_t times, Budget& budget) {
  if (value.is_text()) {
    const size_t size = repeated_size(value.text().size(), times);
    budget.allocate(size);
    std::string result;
    result.reserve(size);
    while (result.size() < size) result += value.text();
    return result;
  }
  const std::vector<Value>& unit = value.sequence().items;
  const size_t size = repeated_size(unit.size() * sizeof(Value), times) / sizeof(Value);
  budget.allocate(size * sizeof(Value));
  std::vector<Value> items;
  items.reserve(size);
  while (items.size() < size) items.insert(items.end(), unit.begin(), unit.end());
  return Value::sequence(value.sequence().kind, std::move(items));
}

struct Range {
  int64_t start;
  int64_t stop;
  int64_t step;
};

// Python's slice.indices(size).
Range slice_range(const Value& start, const Value& stop, const Value& step, int64_t size) {
  for (const Value* bound : {&start, &stop, &step})
    if (!bound->is_none() && !bound->is_integer())
      throw Fault(fmt::format("a slice needs integers, not {}", bound->describe()));
  const int64_t by = step.is_none() ? 1 : step.integer();
  if (by == 0) throw Fault("the step of a slice is 0");
  const int64_t low = by > 0 ? 0 : -1;
  const int64_t high = by > 0 ? size : size - 1;
  const auto clip = [&](const Value& bound, int64_t otherwise) {
    if (bound.is_none()) return otherwise;
    const int64_t index = bound.integer();
    return std::clamp(index < 0 ? index + size : index, low, high);
  };
  return {clip(start, by > 0 ? low : high), clip(stop, by > 0 ? high : low), by};
}

template <class F>
void for_each_index(const Range& range, F&& f) {
  // The step can be as large as int64: compare before adding.
  for (int64_t i = range.start; range.step > 0 ? i < range.stop : i > range.stop;) {
    f(static_cast<size_t>(i));
    if (range.step > 0 ? range.step >= range.stop - i : range.step <= range.stop - i) break;
    i += range.step;
  }
}

}  // namespace

Value binary(const std::string& op, const Value& a, const Value& b, Budget& budget) {
  if (a.is_number() && b.is_number()) return arithmetic(op, a, b);
  if (a.is_markup() || b.is_markup())
    throw Fault(fmt::format("\"{}\" of a text marked safe is not supported; use ~", op));
  if (op == "+" && a.is_text() && b.is_text()) {
    budget.allocate(a.text().size() + b.text().size());
    return a.text() + b.text();
  }
  if (op == "%" && a.is_text()) throw Fault("formatting with % is not supported");
  if (op == "+" && is_concatenated(a) && is_concatenated(b) &&
      a.sequence().kind == b.sequence().kind)
    return concatenate(a, b, budget);
  if (op == "*" && (a.is_text() || is_concatenated(a)) && b.is_integer())
    return repeat(a, b.integer(), budget);
  if (op == "*" && a.is_integer() && (b.is_text() || is_concatenated(b)))
    return repeat(b, a.integer(), budget);
  fail_types(op, a, b);
}

Value negate(const Value& value) {
  if (!value.is_number()) throw Fault(fmt::format("\"-\" of {}", value.describe()));
  if (value.is<double>()) return -value.number();
  return integer_arithmetic('-', 0, value.integer());
}

Value slice(const Value& value, const Value& start, const Value& stop, const Value& step,
            Budget& budget) {
  if (value.is_undefined()) throw Fault(value.describe());
  if (value.is_text()) {
    budget.allocate(value.text().size());
    const std::u32string text = decode_utf8(value.text());
    std::u32string result;
    for_each_index(slice_range(start, stop, step, static_cast<int64_t>(text.size())),
                   [&](size_t i) { result += text[i]; });
    return encode_utf8(result);
  }
  const bool is_sliced = is_concatenated(value) ||
                         (value.is_sequence() && value.sequence().kind == SequenceKind::kRange);
  if (!is_sliced) throw Fault(fmt::format("a slice of {}", value.describe()));
  const std::vector<Value>& all = value.sequence().items;
  budget.allocate(all.size() * sizeof(Value));
  std::vector<Value> items;
  for_each_index(slice_range(start, stop, step, static_cast<int64_t>(all.size())),
                 [&](size_t i) { items.push_back(all[i]); });
  return Value::sequence(value.sequence().kind, std::move(items));
}

bool holds(const std::string& op, const Value& a, const Value& b, Budget& budget) {
  if (op == "in") return contains(b, a, budget);
  if (op == "not in") return !contains(b, a, budget);
  if (op == "==") return equal(a, b);
  if (op == "!=") return !equal(a, b);
  const bool has_nan =
      (a.is<double>() && std::isnan(a.number())) || (b.is<double>() && std::isnan(b.number()));
  const int order = compare(a, b);
  if (has_nan) return false;
  if (op == "<") return order < 0;
  if (op == "<=") return order <= 0;
  return op == ">" ? order > 0 : order >= 0;
}

}  // namespace pgtrain::jinja
