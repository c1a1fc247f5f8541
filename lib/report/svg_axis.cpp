#include "report/svg_axis.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

namespace pgtrain {
namespace {

constexpr int kMaxDecimals = 4;

std::vector<double> multiples(double low, double high, double step) {
  std::vector<double> ticks;
  const double slack = 1e-9;
  const double first = std::ceil(low / step - slack);
  const double last = std::floor(high / step + slack);
  // Far from zero the step may be below the spacing of the numbers.
  if (std::max(std::abs(first), std::abs(last)) > 1e15) return {low, high};
  for (double i = first; i <= last; ++i) ticks.push_back(i * step + 0.0);
  return ticks;
}

// The number of decimals with which every tick is exact, up to one too many.
int decimals_of(const std::vector<double>& ticks, double unit) {
  for (int decimals = 0; decimals <= kMaxDecimals; ++decimals) {
    const double scale = std::pow(10.0, decimals);
    const bool is_exact = std::all_of(ticks.begin(), ticks.end(), [&](double tick) {
      const double scaled = tick / unit * scale;
      return std::abs(scaled - std::round(scaled)) < 1e-6 * std::max(1.0, std::abs(scaled));
    });
    if (is_exact) return decimals;
  }
  return kMaxDecimals + 1;
}

struct Unit {
  double value;
  const char* suffix;
};

Unit unit_of(double largest) {
  if (largest >= 1e13) return {1, ""};
  if (largest >= 1e9) return {1e9, "G"};
  if (largest >= 1e6) return {1e6, "M"};
  if (largest >= 1e4) return {1e3, "k"};
  return {1, ""};
}

}  // namespace

std::vector<double> axis_ticks(double low, double high, int count) {
  const double rough = (high - low) / count;
  double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (;; power *= 10)
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (factor * power < rough * 0.999) continue;
      auto ticks = multiples(low, high, factor * power);
      if (static_cast<int>(ticks.size()) <= count) return ticks;
    }
}

std::vector<std::string> tick_labels(const std::vector<double>& ticks) {
  double largest = 0;
  for (const double tick : ticks) largest = std::max(largest, std::abs(tick));
  const Unit unit = unit_of(largest);
  const int decimals = decimals_of(ticks, unit.value);
  const bool is_plain = decimals <= kMaxDecimals && largest < 1e13;
  std::vector<std::string> labels;
  for (const double tick : ticks) {
    if (tick == 0)
      labels.emplace_back("0");
    else if (is_plain)
      labels.push_back(fmt::format("{:.{}f}{}", tick / unit.value, decimals, unit.suffix));
    else
      labels.push_back(fmt::format("{:.3g}", tick));
  }
  return labels;
}

std::string format_value(double value) {
  if (!std::isfinite(value)) return "not finite";
  const double size = std::abs(value);
  if (size >= 1e15 || (size < 1e-3 && size > 0)) return fmt::format("{:.4g}", value);
  if (size >= 1000 || value == std::round(value)) return format_count(value);
  return fmt::format("{:.{}f}", value, size < 10 ? 4 : 2);
}

std::string format_count(double value) {
  if (!std::isfinite(value)) return "not finite";
  std::string digits = fmt::format("{:.0f}", std::abs(value));
  for (auto at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<size_t>(at), ",");
  return (value < 0 ? "-" : "") + digits;
}

}  // namespace pgtrain
