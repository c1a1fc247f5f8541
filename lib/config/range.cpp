#include "config/range.h"

#include "config/scalar.h"

namespace pgtrain {
namespace {

// -1, 0 or 1 as value is below, equal to or above the limit.
int compare(int64_t value, const Number& limit) {
  if (limit.is_integer) return value < limit.integer ? -1 : value > limit.integer;
  const auto real = static_cast<double>(value);
  return real < limit.real ? -1 : real > limit.real;
}

int compare(double value, const Number& limit) {
  return value < limit.real ? -1 : value > limit.real;
}

template <class T>
bool inside(T value, const Range& range) {
  if (range.low && compare(value, *range.low) < (range.low_open ? 1 : 0)) return false;
  return !range.high || compare(value, *range.high) <= (range.high_open ? -1 : 0);
}

Range make(std::optional<Number> low, bool low_open, std::optional<Number> high, bool high_open) {
  Range range;
  range.low = low;
  range.high = high;
  range.low_open = low_open;
  range.high_open = high_open;
  return range;
}

}  // namespace

std::string Number::text() const {
  return is_integer ? std::to_string(integer) : number_text(real);
}

bool Range::contains(int64_t value) const { return inside(value, *this); }

bool Range::contains(double value) const { return inside(value, *this); }

std::string Range::text() const {
  if (low && high && !low_open && !high_open) return "from " + low->text() + " to " + high->text();
  std::string result;
  if (low) result = (low_open ? "above " : "at least ") + low->text();
  if (low && high) result += " and ";
  if (high) result += (high_open ? "below " : "at most ") + high->text();
  return result;
}

Range at_least(Number low) { return make(low, false, std::nullopt, false); }
Range at_most(Number high) { return make(std::nullopt, false, high, false); }
Range above(Number low) { return make(low, true, std::nullopt, false); }
Range below(Number high) { return make(std::nullopt, false, high, true); }
Range between(Number low, Number high) { return make(low, false, high, false); }
Range open_closed(Number low, Number high) { return make(low, true, high, false); }
Range closed_open(Number low, Number high) { return make(low, false, high, true); }
Range open_open(Number low, Number high) { return make(low, true, high, true); }

}  // namespace pgtrain
