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

namespace {

// Rows of weights that begin at the same place of every page fall on the same few sets of a cache.
bool shares_cache_sets(int64_t stride) { return stride % 1024 == 0; }

}  // namespace

bool prefers_row_product(int64_t rows, int64_t inputs, int64_t /*outputs*/) {
  if (inputs < 128) return rows <= 24;
  if (shares_cache_sets(inputs)) return rows <= 12;
  return rows <= (inputs <= 768 ? 64 : 48);
}

bool prefers_row_product_input_major(int64_t rows, int64_t inputs, int64_t outputs) {
  if (shares_cache_sets(outputs)) return rows <= 6;
  return rows <= (inputs <= 128 ? 128 : 16);
}

}  // namespace pgtrain
