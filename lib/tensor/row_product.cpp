#include "tensor/row_product.h"

#include "tensor/kernel_choice.h"

namespace pgtrain {

PG_CHOOSE_KERNELS(RowProductKernels<float>, row_product_float_kernels, row_product_kernels<float>)
PG_CHOOSE_KERNELS(RowProductKernels<double>, row_product_double_kernels,
                  row_product_kernels<double>)

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
