// Student's t distribution, for intervals of means of few runs.
#pragma once

#include <cstdint>

namespace pgtrain {

// The t that a variable of Student's distribution with that many degrees of freedom (>= 1) stays
// below with the probability (in [0.5, 1)). From the finite sums for integer degrees of freedom:
// Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
double student_t_quantile(double probability, int64_t degrees);

}  // namespace pgtrain
