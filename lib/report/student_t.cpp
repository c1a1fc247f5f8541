#include "report/student_t.h"

#include <cmath>

#include "core/error.h"

namespace pgtrain {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Probability of |T| < sqrt(degrees) tan(angle).
double two_sided(double angle, int64_t degrees) {
  const bool is_odd = degrees % 2 == 1;
  const double cosine = std::cos(angle);
  double term = is_odd ? cosine : 1;
  double sum = 0;
  for (int64_t k = is_odd ? 1 : 0; k <= degrees - 2 && term > sum * 1e-18; k += 2) {
    sum += term;
    term *= cosine * cosine * static_cast<double>(k + 1) / static_cast<double>(k + 2);
  }
  return is_odd ? 2 / kPi * (angle + std::sin(angle) * sum) : std::sin(angle) * sum;
}

}  // namespace

double student_t_quantile(double probability, int64_t degrees) {
  PG_CHECK(probability >= 0.5 && probability < 1, "probability is {}", probability);
  PG_CHECK(degrees >= 1, "degrees is {}", degrees);
  const double target = 2 * probability - 1;
  double low = 0;
  double high = kPi / 2;
  for (double middle = high / 2; low < middle && middle < high; middle = low + (high - low) / 2)
    (two_sided(middle, degrees) < target ? low : high) = middle;
  return std::sqrt(static_cast<double>(degrees)) * std::tan(low);
}

}  // namespace pgtrain
