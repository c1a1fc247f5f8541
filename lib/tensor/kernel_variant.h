// Which instruction set the kernels use on this machine.
#pragma once

#include <string>

namespace pgtrain {

enum class KernelVariant { kPortable, kAvx2, kAvx512 };

// The environment variable that asks for a variant by its name; empty or not set: the best one.
inline constexpr const char* kKernelsVariable = "PGTRAIN_KERNELS";

// The variant to use, found out once: what PGTRAIN_KERNELS asks for, or the best one that the
// processor has. Throws ConfigError for an unknown name and for one that the processor lacks.
KernelVariant kernel_variant();

// The same for a request ("" = the best) on a processor whose best variant is `best`.
KernelVariant choose_variant(const std::string& request, KernelVariant best);

// "avx512", "avx2" or "portable".
const char* name_of(KernelVariant variant);

// name_of(kernel_variant()).
const char* kernel_variant_name();

}  // namespace pgtrain
