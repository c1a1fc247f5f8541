#include "prepare_math.h"

#include <malloc.h>
#include <spdlog/spdlog.h>

#include "tensor/blas.h"
#include "tensor/kernel_variant.h"

namespace pgtrain {
namespace {

// The tensors of one step are as large as those of the next. By default glibc gives blocks above 32
// MB back to the system at once, and the kernel clears each page again for the next: a tenth of the
// time of a step of large networks.
void keep_freed_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 1 << 28);
  mallopt(M_TRIM_THRESHOLD, 1 << 28);
#endif
}

}  // namespace

void prepare_math() {
  kernel_variant();
  keep_freed_memory();
  prepare_blas();
  use_one_thread();
  const std::string warning = slow_blas_warning(matmul_gflops());
  if (!warning.empty()) spdlog::warn("{}", warning);
}

}  // namespace pgtrain
