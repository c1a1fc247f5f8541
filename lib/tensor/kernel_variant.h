// Which instruction set the kernels use on this machine.
#pragma once

namespace pgtrain {

enum class KernelVariant { kPortable, kAvx2, kAvx512 };

// The best one that the processor has; found out once.
KernelVariant kernel_variant();

// "avx512", "avx2" or "portable".
const char* kernel_variant_name();

}  // namespace pgtrain
