// How a table of kernels that is compiled for several instruction sets is declared and chosen: for
// the .cpp file that has its function.
#pragma once

#include "tensor/kernel_variant.h"

// Declares `table` of type `Type` in the namespace of each variant and defines name(), which
// returns the one of kernel_variant().
#if defined(__x86_64__)
#define PG_CHOOSE_KERNELS(Type, table, name)                              \
  namespace portable {                                                    \
  extern const Type table;                                                \
  }                                                                       \
  namespace avx2 {                                                        \
  extern const Type table;                                                \
  }                                                                       \
  namespace avx512 {                                                      \
  extern const Type table;                                                \
  }                                                                       \
  template <>                                                             \
  const Type& name() {                                                    \
    if (kernel_variant() == KernelVariant::kAvx512) return avx512::table; \
    if (kernel_variant() == KernelVariant::kAvx2) return avx2::table;     \
    return portable::table;                                               \
  }
#else
#define PG_CHOOSE_KERNELS(Type, table, name) \
  namespace portable {                       \
  extern const Type table;                   \
  }                                          \
  template <>                                \
  const Type& name() {                       \
    return portable::table;                  \
  }
#endif
