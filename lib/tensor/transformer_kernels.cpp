#include "tensor/transformer_kernels.h"

#include "tensor/kernel_variant.h"

namespace pgtrain {

#define PG_DECLARE(variant)                                           \
  namespace variant {                                                 \
  extern const TransformerKernels<float> transformer_float_kernels;   \
  extern const TransformerKernels<double> transformer_double_kernels; \
  }
PG_DECLARE(portable)
#if defined(__x86_64__)
PG_DECLARE(avx2)
PG_DECLARE(avx512)
#endif

template <>
const TransformerKernels<float>& transformer_kernels<float>() {
#if defined(__x86_64__)
  if (kernel_variant() == KernelVariant::kAvx512) return avx512::transformer_float_kernels;
  if (kernel_variant() == KernelVariant::kAvx2) return avx2::transformer_float_kernels;
#endif
  return portable::transformer_float_kernels;
}

template <>
const TransformerKernels<double>& transformer_kernels<double>() {
  return portable::transformer_double_kernels;
}

}  // namespace pgtrain
