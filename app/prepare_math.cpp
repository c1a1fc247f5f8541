#include "prepare_math.h"

#include <malloc.h>
#include <spdlog/spdlog.h>

#include "tensor/blas.h"
#include "tensor/kernel_variant.h"

namespace pgtrain {
namespace {

// The tensors of one step are as large as those of the next: memory that glibc gave back to the
// system in between would be cleared page by page when it comes again.
void keep_freed_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 1 << 25);  // the largest that glibc takes
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
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
