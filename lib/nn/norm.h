// Normalisation of rows, with a hand-written backward pass.
#pragma once

#include <ATen/core/Tensor.h>

namespace pgtrain {

// RMSNorm (Zhang and Sennrich 2019) when bias is undefined: y = x / sqrt(mean(x^2) + epsilon) *
// weight; LayerNorm (Ba et al. 2016) otherwise: y = (x - mean) / sqrt(variance + epsilon) * weight
// + bias with the biased variance.
struct NormWeights {
  at::Tensor weight;  // [size]
  at::Tensor bias;    // [size] or undefined
};

// x [N, size] -> [N, size]. Differentiable in x and the weights; weight gradients go through
// GradientSink.
at::Tensor norm(const at::Tensor& x, const NormWeights& weights, double epsilon);

// Without gradient, into y [N, size]; y may be x.
void norm_out(const at::Tensor& x, const NormWeights& weights, double epsilon, const at::Tensor& y);

}  // namespace pgtrain
