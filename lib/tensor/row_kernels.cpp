#include "tensor/row_kernels.h"

#include "tensor/kernel_variant.h"

namespace pgtrain {

#define PG_DECLARE(variant)                       \
  namespace variant {                             \
  extern const RowKernels<float> float_kernels;   \
  extern const RowKernels<double> double_kernels; \
  }
PG_DECLARE(portable)
#if defined(__x86_64__)
PG_DECLARE(avx2)
PG_DECLARE(avx512)
#endif

template <>
const RowKernels<float>& row_kernels<float>() {
#if defined(__x86_64__)
  if (kernel_variant() == KernelVariant::kAvx512) return avx512::float_kernels;
  if (kernel_variant() == KernelVariant::kAvx2) return avx2::float_kernels;
#endif
  return portable::float_kernels;
}

template <>
const RowKernels<double>& row_kernels<double>() {
  return portable::double_kernels;
}

const char* row_kernels_name() { return kernel_variant_name(); }

}  // namespace pgtrain
