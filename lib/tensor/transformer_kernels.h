// Vectorised loops of transformers: norms, rotation, activations, small products, attention over a
// paged cache. Plain C++ compiled for several instruction sets, as row_kernels.h.
#pragma once

#include <cstdint>

namespace pgtrain {

// Positions of one page of a key/value cache. For one key/value head a page holds the keys,
// [size][kPagePositions], and after them the values, [kPagePositions][size].
constexpr int64_t kPagePositions = 16;

// The operands of C = A B or C += A B: A [m, k] with any strides, B [k, n] and C [m, n] with rows
// of adjacent values; strides are in values.
template <class T>
struct SmallProduct {
  const T* a;
  int64_t a_row, a_column;
  const T* b;
  int64_t b_row;
  T* c;
  int64_t c_row;
  int64_t m, n, k;
  bool accumulate;
};

// The queries of one token that share a key/value head, over the positions [begin, end) of its
// cache: out_h = sum_j softmax_j(scale * query_h . key_j) value_j.
template <class T>
struct PagedAttention {
  const T* query;  // [heads, size]
  int64_t heads, size;
  const T* const* pages;  // page p holds the positions from p * kPagePositions
  int64_t offset;         // of the key/value head within each page, values
  int64_t begin, end;     // begin < end
  T scale;
  T* scores;  // scratch, heads * (end - begin + 2 * kPagePositions) values
  T* out;     // [heads, size]
};

// T is float or double. All pointers are to contiguous values; `n` is the number of values.
template <class T>
struct TransformerKernels {
  // y = x * inverse * weight with inverse = 1 / sqrt(mean(x^2) + epsilon), which is returned. y may
  // be x.
  T (*rms_norm)(const T* x, const T* weight, T* y, int64_t n, T epsilon);
  // dx from dy; d_weight += dy * x * inverse unless it is null. dx may be dy.
  void (*rms_norm_gradient)(const T* x, const T* weight, const T* dy, T inverse, T* dx, T* d_weight,
                            int64_t n);
  // y = (x - mean) * inverse * weight + bias with inverse = 1 / sqrt(variance + epsilon), the
  // variance being the biased one. y may be x.
  void (*layer_norm)(const T* x, const T* weight, const T* bias, T* y, int64_t n, T epsilon,
                     T* mean, T* inverse);
  // d_weight += ..., d_bias += ... unless null.
  void (*layer_norm_gradient)(const T* x, const T* weight, const T* dy, T mean, T inverse, T* dx,
                              T* d_weight, T* d_bias, int64_t n);

  // Rotates the pairs (x_i, x_{half + i}) of each of `heads` vectors of 2 * half values by the
  // angle whose cosine and sine are given, or with sign -1 by its opposite.
  void (*rotate)(T* x, const T* cosine, const T* sine, int64_t heads, int64_t half, T sign);

  // y = gate * sigmoid(gate) * up
  void (*swiglu)(const T* gate, const T* up, T* y, int64_t n);
  void (*swiglu_gradient)(const T* gate, const T* up, const T* dy, T* d_gate, T* d_up, int64_t n);
  // y = x / 2 * (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). y may be x.
  void (*gelu_tanh)(const T* x, T* y, int64_t n);
  // dx = dy * gelu'(x); dx may be dy.
  void (*gelu_tanh_gradient)(const T* x, const T* dy, T* dx, int64_t n);
  // y = x / 2 * (1 + erf(x / sqrt(2)))
  void (*gelu_erf)(const T* x, T* y, int64_t n);
  void (*gelu_erf_gradient)(const T* x, const T* dy, T* dx, int64_t n);

  // y_i = scale * x_i where the hash of (key, i) is at least `threshold` of 2^32, else 0. y may be
  // x.
  void (*dropout)(const T* x, T* y, int64_t n, uint64_t key, uint32_t threshold, T scale);

  // The gradient of a softmax's logits before the scale: dp_i <- scale * p_i * (dp_i - sum), where
  // sum = sum_j p_j dp_j.
  void (*softmax_gradient)(const T* p, T* dp, int64_t n, T sum, T scale);
  // For products too small for a BLAS call.
  void (*small_product)(const SmallProduct<T>& product);
  void (*paged_attention)(const PagedAttention<T>& attention);
};

template <class T>
const TransformerKernels<T>& transformer_kernels();

}  // namespace pgtrain
