// Ticks of a plot's axis and numbers as readers like them.
#pragma once

#include <string>
#include <vector>

namespace pgtrain {

// Multiples of 1, 2 or 5 times a power of ten inside [low, high]: of the smallest step that gives
// at most `count` (>= 4) of them; one at least. low < high, both finite and their distance too.
std::vector<double> axis_ticks(double low, double high, int count);

// The ticks' labels: all with the same number of decimals; thousands and more as "20k", "1.5M" when
// that is exact; "2e-05" where decimals would be many.
std::vector<std::string> tick_labels(const std::vector<double>& ticks);

// "0.6182" below 10, "12.30" below 1000, then as format_count, and so whole numbers: "3"; "1.5e-05"
// and "2e+20" for the very small and large; "not finite" for NaN and infinities.
std::string format_value(double value);

// Rounded to an integer, with commas between thousands: "1,234,567".
std::string format_count(double value);

}  // namespace pgtrain
