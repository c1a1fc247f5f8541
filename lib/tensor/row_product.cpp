#include "tensor/row_product.h"

#include "tensor/kernel_variant.h"

namespace pgtrain {

#define PG_DECLARE(variant)                                          \
  namespace variant {                                                \
  extern const RowProductKernels<float> row_product_float_kernels;   \
  extern const RowProductKernels<double> row_product_double_kernels; \
  }
PG_DECLARE(portable)
#if defined(__x86_64__)
PG_DECLARE(avx2)
PG_DECLARE(avx512)
#endif

template <>
const RowProductKernels<float>& row_product_kernels<float>() {
#if defined(__x86_64__)
  if (kernel_variant() == KernelVariant::kAvx512) return avx512::row_product_float_kernels;
  if (kernel_variant() == KernelVariant::kAvx2) return avx2::row_product_float_kernels;
#endif
  return portable::row_product_float_kernels;
}

template <>
const RowProductKernels<double>& row_product_kernels<double>() {
#if defined(__x86_64__)
  if (kernel_variant() == KernelVariant::kAvx512) return avx512::row_product_double_kernels;
  if (kernel_variant() == KernelVariant::kAvx2) return avx2::row_product_double_kernels;
#endif
  return portable::row_product_double_kernels;
}

}  // namespace pgtrain
