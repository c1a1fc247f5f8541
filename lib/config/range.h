// Intervals of allowed numbers, as they are declared beside an option.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

namespace pgtrain {

// A limit that keeps 64-bit integers exact: at_least(1) fits integer and real options alike.
struct Number {
  template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>
  Number(T value)  // NOLINT: implicit, so that limits are written as plain literals
      : integer(std::is_integral_v<T> ? static_cast<int64_t>(value) : 0),
        real(static_cast<double>(value)),
        is_integer(std::is_integral_v<T>) {}

  std::string text() const;

  int64_t integer;  // meaningful when is_integer
  double real;
  bool is_integer;
};

struct Range {
  bool contains(int64_t value) const;
  bool contains(double value) const;
  // "at least 1", "above 0 and at most 1", "from 1 to 64"; empty for a range without limits.
  std::string text() const;

  std::optional<Number> low;
  std::optional<Number> high;
  bool low_open = false;   // the low limit itself is not allowed
  bool high_open = false;  // the high limit itself is not allowed
};

Range at_least(Number low);
Range at_most(Number high);
Range above(Number low);
Range below(Number high);
Range between(Number low, Number high);      // [low, high]
Range open_closed(Number low, Number high);  // (low, high]
Range closed_open(Number low, Number high);  // [low, high)
Range open_open(Number low, Number high);    // (low, high)

}  // namespace pgtrain
