#include "tensor/row_kernels.h"

#include "tensor/kernel_choice.h"

namespace pgtrain {

PG_CHOOSE_KERNELS(RowKernels<float>, float_kernels, row_kernels<float>)

namespace portable {
extern const RowKernels<double> double_kernels;
}
template <>
const RowKernels<double>& row_kernels<double>() {
  return portable::double_kernels;
}

const char* row_kernels_name() { return kernel_variant_name(); }

}  // namespace pgtrain
