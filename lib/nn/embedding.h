// Rows of a table by token id.
#pragma once

#include <ATen/core/Tensor.h>

namespace pgtrain {

// [N, size] = table[ids] for table [rows, size] and ids [N] int64, each in [0, rows).
// Differentiable in the table; its gradient goes through GradientSink.
at::Tensor embed(const at::Tensor& table, const at::Tensor& ids);

}  // namespace pgtrain
