// The nonlinear step of a feed-forward layer, with a hand-written backward pass.
#pragma once

#include <ATen/core/Tensor.h>

namespace pgtrain {

// kSwiGlu (Shazeer 2020): x = [gate up] of [N, 2 * size] -> silu(gate) * up. kGeluTanh and kGeluErf
// (Hendrycks and Gimpel 2016), approximated and exact: x [N, size] -> gelu(x).
enum class Activation { kSwiGlu, kGeluTanh, kGeluErf };

// [N, size], differentiable in x.
at::Tensor activate(Activation kind, const at::Tensor& x);

// Without gradient, into y [N, size].
void activate_out(Activation kind, const at::Tensor& x, const at::Tensor& y);

}  // namespace pgtrain
