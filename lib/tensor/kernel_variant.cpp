#include "tensor/kernel_variant.h"

namespace pgtrain {
namespace {

KernelVariant best_variant() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return KernelVariant::kAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return KernelVariant::kAvx2;
#endif
  return KernelVariant::kPortable;
}

}  // namespace

KernelVariant kernel_variant() {
  static const KernelVariant variant = best_variant();
  return variant;
}

const char* kernel_variant_name() {
  switch (kernel_variant()) {
    case KernelVariant::kAvx512:
      return "avx512";
    case KernelVariant::kAvx2:
      return "avx2";
    case KernelVariant::kPortable:
      break;
  }
  return "portable";
}

}  // namespace pgtrain
