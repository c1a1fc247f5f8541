#include "tensor/transformer_kernels.h"

#include "tensor/kernel_choice.h"

namespace pgtrain {

PG_CHOOSE_KERNELS(TransformerKernels<float>, transformer_float_kernels, transformer_kernels<float>)

namespace portable {
extern const TransformerKernels<double> transformer_double_kernels;
}
template <>
const TransformerKernels<double>& transformer_kernels<double>() {
  return portable::transformer_double_kernels;
}

}  // namespace pgtrain
