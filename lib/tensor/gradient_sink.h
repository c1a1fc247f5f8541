// Where a custom autograd function puts the gradient of one of its parameters.
#pragma once

#include <torch/types.h>

#include "tensor/block_product.h"

namespace pgtrain {

// Adds straight into parameter.grad() when the parameter is a leaf whose gradient tensor exists
// already (no temporary of the parameter's size, no second pass over it); otherwise collects the
// gradient and gives it to autograd. An undefined parameter, or one that needs no gradient, is
// ignored.
class GradientSink {
 public:
  explicit GradientSink(const at::Tensor& parameter) {
    if (!parameter.defined() || !parameter.requires_grad()) return;
    direct_ = parameter.is_leaf() && parameter.grad().defined();
    sum_ = direct_ ? parameter.grad()
                   : at::zeros_like(parameter, at::TensorOptions().requires_grad(false));
  }
  bool active() const { return sum_.defined(); }
  // sum += x of the same shape.
  void add(const at::Tensor& x) {
    if (active()) sum_.add_(x);
  }
  // sum += a b for a [m, k] and b [k, n].
  void add_product(const at::Tensor& a, const at::Tensor& b) {
    if (active()) product_add(sum_, a, b);
  }
  // sum += the sum of the rows of x.
  void add_column_sums(const at::Tensor& x) {
    if (active()) pgtrain::add_column_sums(sum_, x);
  }
  // sum[index[i]] += rows[i]
  void add_rows(const at::Tensor& index, const at::Tensor& rows) {
    if (active()) sum_.index_add_(0, index, rows);
  }
  // What backward returns: undefined when autograd has nothing left to do.
  at::Tensor result() const { return direct_ ? at::Tensor() : sum_; }

 private:
  bool direct_ = false;
  at::Tensor sum_;
};

}  // namespace pgtrain
