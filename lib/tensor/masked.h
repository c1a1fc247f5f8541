// Masked statistics. Everywhere: x and mask have one shape, mask is 1 where a value counts and 0
// where it is padding.
#pragma once

#include <ATen/core/Tensor.h>

namespace pgtrain {

// sum(x * mask) / sum(mask). An empty mask gives 0. Values under a zero mask never matter, not even
// NaN.
at::Tensor masked_mean(const at::Tensor& x, const at::Tensor& mask);

// sum((x - mean)^2 * mask) / (sum(mask) - 1 if unbiased else sum(mask)); 0 when that divisor is not
// positive.
at::Tensor masked_variance(const at::Tensor& x, const at::Tensor& mask, bool unbiased);

// (x - mean) / sqrt(variance + epsilon) where the mask is 1, else 0. TRL and verl whiten with the
// unbiased variance and epsilon 1e-8, OpenRLHF with the biased one.
at::Tensor masked_whiten(const at::Tensor& x, const at::Tensor& mask, bool unbiased,
                         double epsilon = 1e-8);

}  // namespace pgtrain
