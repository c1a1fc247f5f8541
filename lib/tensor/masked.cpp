#include "tensor/masked.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace pgtrain {
namespace {

void check_shapes(const at::Tensor& x, const at::Tensor& mask) {
  PG_CHECK(x.sizes() == mask.sizes(),
           "x and mask differ in shape: {} and {} dimensions, {} and {} values", x.dim(),
           mask.dim(), x.numel(), mask.numel());
}

at::Tensor counted(const at::Tensor& x, const at::Tensor& mask) {
  return x.masked_fill(mask == 0, 0);
}

// x - mean, and exactly 0 where all counted values are equal: one of them is taken away first.
at::Tensor centred(const at::Tensor& x, const at::Tensor& mask) {
  if (x.numel() == 0) return x;
  const at::Tensor first = mask.flatten().argmax().unsqueeze(0);
  const at::Tensor shifted = counted(x - x.flatten().index_select(0, first), mask);
  return shifted - masked_mean(shifted, mask);
}

}  // namespace

at::Tensor masked_mean(const at::Tensor& x, const at::Tensor& mask) {
  check_shapes(x, mask);
  return counted(x, mask).sum() / mask.sum().clamp_min(1).to(x.scalar_type());
}

at::Tensor masked_variance(const at::Tensor& x, const at::Tensor& mask, bool unbiased) {
  check_shapes(x, mask);
  const at::Tensor deviation = counted(centred(x, mask), mask);
  const at::Tensor divisor = (mask.sum() - (unbiased ? 1 : 0)).clamp_min(1).to(x.scalar_type());
  return deviation.square().sum() / divisor;
}

at::Tensor masked_whiten(const at::Tensor& x, const at::Tensor& mask, bool unbiased,
                         double epsilon) {
  const at::Tensor scale = (masked_variance(x, mask, unbiased) + epsilon).rsqrt();
  return counted(centred(x, mask) * scale, mask);
}

}  // namespace pgtrain
