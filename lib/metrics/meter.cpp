#include "metrics/meter.h"

#include <cmath>

#include "core/error.h"

namespace pgtrain {

void Meter::add(double value, double weight) {
  PG_CHECK(weight >= 0 && std::isfinite(weight), "weight is {}", weight);
  if (weight == 0) return;
  const bool is_first = count_ == 0;
  ++count_;
  weight_ += weight;
  sum_ += weight * value;
  const double step = value - mean_;
  mean_ += step * (weight / weight_);
  squares_ += weight * step * (value - mean_);
  // Written so that a NaN, which compares false with everything, enters and stays.
  if (is_first || !(value >= min_)) min_ = std::isnan(min_) ? min_ : value;
  if (is_first || !(value <= max_)) max_ = std::isnan(max_) ? max_ : value;
}

double Meter::std() const {
  return weight_ > 1 || std::isnan(squares_) ? std::sqrt(squares_ / (weight_ - 1)) : 0;
}

Stats summarize(const std::vector<double>& values) {
  Meter meter;
  for (const double value : values) meter.add(value);
  return {meter.count(), meter.mean(), meter.std(), meter.min(), meter.max()};
}

}  // namespace pgtrain
