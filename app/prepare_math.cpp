#include "prepare_math.h"

#include <spdlog/spdlog.h>

#include "tensor/blas.h"
#include "tensor/kernel_variant.h"

namespace pgtrain {

void prepare_math() {
  kernel_variant();
  prepare_blas();
  use_one_thread();
  const std::string warning = slow_blas_warning(matmul_gflops());
  if (!warning.empty()) spdlog::warn("{}", warning);
}

}  // namespace pgtrain
