// Matrix products in blocks whose shape depends on the sizes only: a pool that is lent to the
// calling thread (core/parallel.h) shares them, and the bits are the same without one.
#pragma once

#include <ATen/core/Tensor.h>

namespace pgtrain {

// c <- a b; c [m, n], a [m, k], b [k, n] of one floating type, any strides (one of the two should
// be 1 in each). No gradients. Products below some million operations are one block.
void product_out(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b);
// c <- a b + bias [n]; an undefined or empty bias is none.
void product_out(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b,
                 const at::Tensor& bias);
// c <- c + a b
void product_add(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b);
// a b
at::Tensor product(const at::Tensor& a, const at::Tensor& b);

// sums [n] <- sums + the column sums of x [m, n].
void add_column_sums(const at::Tensor& sums, const at::Tensor& x);

}  // namespace pgtrain
