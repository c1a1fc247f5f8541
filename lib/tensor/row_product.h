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
// where accumulated, its former value) and on `inputs` alone (of a NaN: that it is one), not on the
// other rows, their number, or the other outputs. A caller may therefore cut rows and outputs into
// blocks as it likes, each block of outputs with w, bias and y moved along. Blocks of a multiple of
// 8 outputs are fastest. Nothing is shared between calls: threads may make them side by side.
template <class T>
struct RowProductKernels {
  // W as [outputs, inputs]: y[r][o] = bias[o] + sum_i x[r][i] * w[o * w_stride + i]
  void (*output_major)(const RowProduct<T>& product);
  // W as [inputs, outputs]: y[r][o] = bias[o] + sum_i x[r][i] * w[i * w_stride + o]
  void (*input_major)(const RowProduct<T>& product);
};

template <class T>
const RowProductKernels<T>& row_product_kernels();

// Whether output_major is expected to be faster than the BLAS library, for weights without gaps (a
// w_stride of `inputs`). Measured with row_product_bench, one thread of an EPYC 7003 (AVX2, peak 92
// GFLOP/s) and OpenBLAS 0.3.21, in GFLOP/s, ours / OpenBLAS:
//   inputs x outputs   1 row      4 rows     8 rows     16 rows    32 rows    64 rows
//       64 x 344         33 / 6     54 / 25    60 / 38    60 / 50    62 / 60    62 / 67
//      576 x 960         35 / 6     64 / 28    81 / 44    88 / 60    92 / 74    94 / 83
//     1536 x 576         34 / 6     54 / 28    71 / 44    77 / 60    79 / 74    77 / 84
//      512 x 10000       24 / 5     59 / 24    79 / 35    83 / 46    91 / 60    91 / 73
//      576 x 49152       10 / 3     30 / 14    60 / 25    78 / 39    88 / 56    91 / 70
// The last is read from memory, at 15 to 20 GB/s for up to 4 rows.
bool prefers_row_product(int64_t rows, int64_t inputs, int64_t outputs);

// The same for input_major and a w_stride of `outputs`:
//   inputs x outputs   1 row      4 rows     8 rows     16 rows    32 rows    64 rows
//       64 x 344       43 / 9     77 / 36    84 / 50    86 / 59    85 / 67    85 / 71
//      576 x 960       34 / 8     71 / 40    74 / 57    81 / 72    80 / 82    82 / 87
//      576 x 3072      33 / 8     49 / 39    61 / 56    74 / 71    82 / 82    88 / 88
//     1536 x 576       34 / 8     72 / 41    74 / 57    80 / 66    81 / 79    82 / 88
bool prefers_row_product_input_major(int64_t rows, int64_t inputs, int64_t outputs);

}  // namespace pgtrain
