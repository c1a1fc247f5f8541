// Matrix products with few rows: decoding, where a BLAS call spends its time on packing weights.
// Plain C++ compiled for several instruction sets, as row_kernels.h.
#pragma once

#include <cstdint>

namespace pgtrain {

// The operands of Y = X W + bias or Y += X W + bias: `rows` rows of `inputs` values become rows of
// `outputs` values. Rows of x, w and y hold adjacent values; strides are from row to row, in
// values. y overlaps neither x, w nor bias.
template <class T>
struct RowProduct {
  const T* x;
  int64_t rows, x_stride;
  const T* w;
  int64_t w_stride;
  int64_t inputs, outputs;
  const T* bias;  // [outputs], or null for none
  T* y;
  int64_t y_stride;
  bool accumulate;
};

// T is float or double. The bits of one result depend on its row of x, its weights, its bias (and,
// where accumulated, its former value) and on `inputs` alone: not on the other rows, their number,
// or the other outputs. A caller may therefore cut rows and outputs into blocks as it likes, each
// block of outputs with w, bias and y moved along. Blocks of a multiple of 8 outputs are fastest.
// Nothing is shared between calls: threads may make them side by side.
template <class T>
struct RowProductKernels {
  // W as [outputs, inputs]: y[r][o] = bias[o] + sum_i x[r][i] * w[o * w_stride + i]
  void (*output_major)(const RowProduct<T>& product);
  // W as [inputs, outputs]: y[r][o] = bias[o] + sum_i x[r][i] * w[i * w_stride + o]
  void (*input_major)(const RowProduct<T>& product);
};

template <class T>
const RowProductKernels<T>& row_product_kernels();

inline bool prefers_row_product(int64_t rows, int64_t, int64_t) { return rows <= 32; }

}  // namespace pgtrain
