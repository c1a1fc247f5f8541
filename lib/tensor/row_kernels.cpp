#include "tensor/row_kernels.h"

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

namespace {

enum class Variant { kPortable, kAvx2, kAvx512 };

Variant best_variant() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return Variant::kAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Variant::kAvx2;
#endif
  return Variant::kPortable;
}

Variant chosen_variant() {
  static const Variant variant = best_variant();
  return variant;
}

}  // namespace

template <>
const RowKernels<float>& row_kernels<float>() {
#if defined(__x86_64__)
  if (chosen_variant() == Variant::kAvx512) return avx512::float_kernels;
  if (chosen_variant() == Variant::kAvx2) return avx2::float_kernels;
#endif
  return portable::float_kernels;
}

template <>
const RowKernels<double>& row_kernels<double>() {
  return portable::double_kernels;
}

const char* row_kernels_name() {
  switch (chosen_variant()) {
    case Variant::kAvx512:
      return "avx512";
    case Variant::kAvx2:
      return "avx2";
    case Variant::kPortable:
      break;
  }
  return "portable";
}

}  // namespace pgtrain
