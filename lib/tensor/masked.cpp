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

}  // namespace

at::Tensor masked_mean(const at::Tensor& x, const at::Tensor& mask) {
  check_shapes(x, mask);
  return counted(x, mask).sum() / mask.sum().clamp_min(1).to(x.scalar_type());
}

at::Tensor masked_variance(const at::Tensor& x, const at::Tensor& mask, bool unbiased) {
  check_shapes(x, mask);
  const at::Tensor deviation = counted(x - masked_mean(x, mask), mask);
  const at::Tensor divisor = (mask.sum() - (unbiased ? 1 : 0)).clamp_min(1).to(x.scalar_type());
  return deviation.square().sum() / divisor;
}

at::Tensor masked_whiten(const at::Tensor& x, const at::Tensor& mask, bool unbiased,
                         double epsilon) {
  const at::Tensor scale = (masked_variance(x, mask, unbiased) + epsilon).rsqrt();
  return counted((x - masked_mean(x, mask)) * scale, mask);
}

}  // namespace pgtrain
