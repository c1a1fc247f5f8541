#include "tensor/kernel_variant.h"

#include <cstdlib>

#include "core/error.h"

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

const char* name_of(KernelVariant variant) {
  switch (variant) {
    case KernelVariant::kAvx512:
      return "avx512";
    case KernelVariant::kAvx2:
      return "avx2";
    case KernelVariant::kPortable:
      break;
  }
  return "portable";
}

KernelVariant choose_variant(const std::string& request, KernelVariant best) {
  if (request.empty()) return best;
  // Every processor with the instructions of one variant has those of the variants before it.
  for (const KernelVariant variant :
       {KernelVariant::kPortable, KernelVariant::kAvx2, KernelVariant::kAvx512}) {
    if (request != name_of(variant)) continue;
    if (variant <= best) return variant;
    throw ConfigError(fmt::format(
        "{}={}: this processor does not have the instructions; the best that it has is {}",
        kKernelsVariable, request, name_of(best)));
  }
  throw ConfigError(
      fmt::format("{}={}: known are portable, avx2 and avx512; the best that this "
                  "processor has is {}",
                  kKernelsVariable, request, name_of(best)));
}

KernelVariant kernel_variant() {
  static const KernelVariant variant = [] {
    const char* request = std::getenv(kKernelsVariable);
    return choose_variant(request == nullptr ? "" : request, best_variant());
  }();
  return variant;
}

const char* kernel_variant_name() { return name_of(kernel_variant()); }

}  // namespace pgtrain
