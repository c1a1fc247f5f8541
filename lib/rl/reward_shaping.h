// Changes to the rewards before advantages are made of them.
#pragma once

#include <ATen/core/Tensor.h>

namespace pgtrain {

// Soft overlong punishment (DAPO, Yu et al. 2025, equation 13; TRL get_soft_overlong_punishment),
// to be added to the rewards, [batch] of lengths' shape, float64:
//   0                                              length <= max_length - buffer
//   factor ((max_length - buffer) - length) / buffer    up to max_length, reaching -factor there
//   -factor                                        beyond
// lengths [batch]: counted tokens of each completion. 0 <= buffer <= max_length; buffer = 0 is the
// hard form. Published: max_length 20480, buffer 4096, factor 1.
at::Tensor soft_overlong_penalty(const at::Tensor& lengths, double max_length, double buffer,
                                 double factor = 1);

}  // namespace pgtrain
