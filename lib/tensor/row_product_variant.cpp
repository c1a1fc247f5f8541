// Compiled once for each instruction set with PG_KERNELS = the namespace; for what it may include
// see row_kernels_variant.cpp. The compiler's own intrinsics never become functions.
#include "tensor/kernel_math.h"
#include "tensor/row_product.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace pgtrain {
namespace PG_KERNELS {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
constexpr int kTileRows = 6;  // 6 rows x 4 outputs of 32 registers
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
constexpr int kTileRows = 3;  // 3 rows x 4 outputs of 16 registers
#else
constexpr int kVectorBytes = 16;
constexpr int kTileRows = 3;
#endif

typedef float Float16 __attribute__((vector_size(64)));
typedef float Float8 __attribute__((vector_size(32)));
typedef float Float4 __attribute__((vector_size(16)));
typedef double Double8 __attribute__((vector_size(64)));
typedef double Double4 __attribute__((vector_size(32)));
typedef double Double2 __attribute__((vector_size(16)));

template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  typedef float Full __attribute__((vector_size(kVectorBytes)));
};
template <>
struct VectorOf<double> {
  typedef double Full __attribute__((vector_size(kVectorBytes)));
};
template <class T>
using Full = typename VectorOf<T>::Full;
template <class T>
constexpr int kWidth = kVectorBytes / sizeof(T);

template <class V, class T>
PG_INLINE V load(const T* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class V, class T>
PG_INLINE void store(T* p, V v) {
  __builtin_memcpy(p, &v, sizeof v);
}

// c + a b, everywhere rounded once or everywhere rounded twice.
#if defined(__AVX512F__)
PG_INLINE __m512 multiply_add(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
PG_INLINE __m512d multiply_add(__m512d a, __m512d b, __m512d c) { return _mm512_fmadd_pd(a, b, c); }
#elif defined(__AVX2__)
PG_INLINE __m256 multiply_add(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
PG_INLINE __m256d multiply_add(__m256d a, __m256d b, __m256d c) { return _mm256_fmadd_pd(a, b, c); }
#else
template <class V>
PG_INLINE V multiply_add(V a, V b, V c) {
  return c + a * b;
}
#endif

// The first n < kWidth values, then zeros.
#if defined(__AVX512F__)
PG_INLINE Float16 load_first(const float* p, int64_t n) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << n) - 1U), p);
}
PG_INLINE Double8 load_first(const double* p, int64_t n) {
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1U << n) - 1U), p);
}
#elif defined(__AVX2__)
PG_INLINE Float8 load_first(const float* p, int64_t n) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane));
}
PG_INLINE Double4 load_first(const double* p, int64_t n) {
  const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
  return _mm256_maskload_pd(p, _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), lane));
}
#else
template <class T>
PG_INLINE Full<T> load_first(const T* p, int64_t n) {
  T values[kWidth<T>] = {};
  for (int64_t i = 0; i < n; ++i) values[i] = p[i];
  return load<Full<T>>(values);
}
#endif
template <class V, class T>
PG_INLINE void store_first(T* p, V v, int64_t n) {
  T values[kWidth<T>];
  store(values, v);
  for (int64_t i = 0; i < n; ++i) p[i] = values[i];
}

// The two halves of a vector, added.
#if defined(__AVX512F__)
PG_INLINE Float8 fold(Float16 v) {
  return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
         __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
}
PG_INLINE Double4 fold(Double8 v) {
  return __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
}
#endif
#if defined(__AVX2__)
PG_INLINE Float4 fold(Float8 v) {
  return __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
}
PG_INLINE Double2 fold(Double4 v) {
  return __builtin_shufflevector(v, v, 0, 1) + __builtin_shufflevector(v, v, 2, 3);
}
#endif

// The sums of the values of each of four vectors.
#if defined(__AVX2__)
PG_INLINE void sum_each(Float8 a, Float8 b, Float8 c, Float8 d, float* sums) {
  const Float8 ab = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13) +
                    __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
  const Float8 cd = __builtin_shufflevector(c, d, 0, 8, 1, 9, 4, 12, 5, 13) +
                    __builtin_shufflevector(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
  store(sums, fold(__builtin_shufflevector(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13) +
                   __builtin_shufflevector(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15)));
}
PG_INLINE void sum_each(Double4 a, Double4 b, Double4 c, Double4 d, double* sums) {
  store(sums, fold(__builtin_shufflevector(a, b, 0, 4, 2, 6) +
                   __builtin_shufflevector(a, b, 1, 5, 3, 7)));
  store(sums + 2, fold(__builtin_shufflevector(c, d, 0, 4, 2, 6) +
                       __builtin_shufflevector(c, d, 1, 5, 3, 7)));
}
#else
PG_INLINE void sum_each(Float4 a, Float4 b, Float4 c, Float4 d, float* sums) {
  const Float4 ab =
      __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Float4 cd =
      __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store(sums,
        __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
}
PG_INLINE void sum_each(Double2 a, Double2 b, Double2 c, Double2 d, double* sums) {
  store(sums, __builtin_shufflevector(a, b, 0, 2) + __builtin_shufflevector(a, b, 1, 3));
  store(sums + 2, __builtin_shufflevector(c, d, 0, 2) + __builtin_shufflevector(c, d, 1, 3));
}
#endif
#if defined(__AVX512F__)
PG_INLINE void sum_each(Float16 a, Float16 b, Float16 c, Float16 d, float* sums) {
  sum_each(fold(a), fold(b), fold(c), fold(d), sums);
}
PG_INLINE void sum_each(Double8 a, Double8 b, Double8 c, Double8 d, double* sums) {
  sum_each(fold(a), fold(b), fold(c), fold(d), sums);
}
#endif

// y (+)= bias + sum or, in later segments of the inputs, y += sum.
template <class T>
PG_INLINE void finish(const RowProduct<T>& p, int64_t row, int64_t output, bool first,
                      const T* sums, int n) {
  T* y = p.y + row * p.y_stride + output;
  T values[4];
  for (int j = 0; j < n; ++j) values[j] = sums[j];
  if (first && p.bias != nullptr)
    for (int j = 0; j < n; ++j) values[j] += p.bias[output + j];
  if (!first || p.accumulate)
    for (int j = 0; j < n; ++j) values[j] += y[j];
  for (int j = 0; j < n; ++j) y[j] = values[j];
}

// The product with valid addresses of x and w also where there is nothing to read there.
template <class T>
RowProduct<T> addressable(const RowProduct<T>& product) {
  RowProduct<T> p = product;
  if (p.inputs > 0) return p;
  p.x = p.w = p.y;
  p.x_stride = p.w_stride = 0;
  return p;
}

// The inputs [begin, end) of one sum.
struct Segment {
  int64_t begin, end;
};

constexpr int64_t kLineBytes = 64;

// Weights that are wanted later: each step of a tile brings the next `step` bytes of them, kLines
// cache lines, into the second cache.
struct Ahead {
  const char* next;
  int64_t step;
};

// One vector of partial sums for each pair of a row and an output, over a segment of the inputs.
template <class T, int kRows, int kOutputs, int kLines>
PG_INLINE void dot_tile(const RowProduct<T>& p, int64_t row, int64_t output, Segment s,
                        Ahead ahead) {
  using V = Full<T>;
  const T* x = p.x + row * p.x_stride;
  const T* w = p.w + output * p.w_stride;
  V sums[kOutputs][kRows] = {};
  int64_t i = s.begin;
  for (; i + kWidth<T> <= s.end; i += kWidth<T>) {
    V values[kRows];
    for (int r = 0; r < kRows; ++r) values[r] = load<V>(x + r * p.x_stride + i);
    for (int o = 0; o < kOutputs; ++o) {
      const V weights = load<V>(w + o * p.w_stride + i);
      for (int r = 0; r < kRows; ++r) sums[o][r] = multiply_add(values[r], weights, sums[o][r]);
    }
    if constexpr (kLines > 0) {
      for (int line = 0; line < kLines; ++line)
        __builtin_prefetch(ahead.next + line * kLineBytes, 0, 2);
      ahead.next += ahead.step;
    }
  }
  if (i < s.end) {
    V values[kRows];
    for (int r = 0; r < kRows; ++r) values[r] = load_first(x + r * p.x_stride + i, s.end - i);
    for (int o = 0; o < kOutputs; ++o) {
      const V weights = load_first(w + o * p.w_stride + i, s.end - i);
      for (int r = 0; r < kRows; ++r) sums[o][r] = multiply_add(values[r], weights, sums[o][r]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int o = 0; o < kOutputs; o += 4) {
      T totals[4];
      if constexpr (kOutputs >= 4)
        sum_each(sums[o][r], sums[o + 1][r], sums[o + 2][r], sums[o + 3][r], totals);
      else
        sum_each(sums[o][r], V{}, V{}, V{}, totals);
      finish(p, row + r, output + o, s.begin == 0, totals, kOutputs < 4 ? 1 : 4);
    }
}

constexpr int64_t kBlockOutputs = 8;  // whose weights stay in the first cache for all rows
constexpr int64_t kFarInputs = 192;   // from which the next block's weights are fetched ahead
constexpr int64_t kSegmentBytes = 3072;

// A share of the block of weights after [.., end), one of `shares` equal ones, for the steps of one
// tile.
template <class T>
PG_INLINE Ahead ahead_of(const RowProduct<T>& p, int64_t end, Segment s, int64_t share,
                         int64_t shares) {
  const int64_t bytes = kBlockOutputs * p.w_stride * static_cast<int64_t>(sizeof(T)) / shares;
  const int64_t steps = (s.end - s.begin) / kWidth<T>;
  return {reinterpret_cast<const char*>(p.w + end * p.w_stride) + share * bytes,
          (bytes + steps - 1) / steps};
}

// Tile `tile` of `tiles` tiles of the rows, counted over all segments of the inputs. Together they
// bring the next block of weights nearer, evenly, so that the memory is never waited for.
template <class T, int kRows>
PG_INLINE void dot_rows(const RowProduct<T>& p, int64_t row, int64_t output, int64_t end, Segment s,
                        int64_t tile, int64_t tiles) {
  if constexpr (kRows == 1)
    for (; output + 8 <= end; output += 8) dot_tile<T, 1, 8, 0>(p, row, output, s, {});
  const bool far = end + kBlockOutputs <= p.outputs && p.inputs >= kFarInputs;
  for (int64_t half = 0; output + 4 <= end; output += 4, ++half) {
    const Ahead ahead = far ? ahead_of(p, end, s, 2 * tile + half, 2 * tiles) : Ahead{};
    if (kRows == 1 || !far)
      dot_tile<T, kRows, 4, 0>(p, row, output, s, ahead);
    else if (ahead.step <= kLineBytes)
      dot_tile<T, kRows, 4, 1>(p, row, output, s, ahead);
    else if (ahead.step <= 2 * kLineBytes)
      dot_tile<T, kRows, 4, 2>(p, row, output, s, ahead);
    else
      dot_tile<T, kRows, 4, 4>(p, row, output, s, ahead);
  }
  for (; output < end; ++output) dot_tile<T, kRows, 1, 0>(p, row, output, s, {});
}

// Rows in as few tiles as possible, of about the same number of rows.
template <class T>
void dot_block(const RowProduct<T>& p, int64_t output, int64_t end, Segment s, int64_t segment,
               int64_t segments) {
  const int64_t row_tiles = (p.rows + kTileRows - 1) / kTileRows;
  const int64_t tiles = segments * row_tiles;
  int64_t row = 0;
  for (int64_t i = 0; i < row_tiles; ++i) {
    const int64_t tile = segment * row_tiles + i;
    const int64_t rows = (p.rows - row + row_tiles - i - 1) / (row_tiles - i);
    switch (rows) {
      case 1:
        dot_rows<T, 1>(p, row, output, end, s, tile, tiles);
        break;
      case 2:
        dot_rows<T, 2>(p, row, output, end, s, tile, tiles);
        break;
      case 3:
        dot_rows<T, 3>(p, row, output, end, s, tile, tiles);
        break;
#if defined(__AVX512F__)
      case 4:
        dot_rows<T, 4>(p, row, output, end, s, tile, tiles);
        break;
      case 5:
        dot_rows<T, 5>(p, row, output, end, s, tile, tiles);
        break;
      default:
        dot_rows<T, 6>(p, row, output, end, s, tile, tiles);
        break;
#endif
    }
    row += rows;
  }
}

// Inputs of a segment: all, or parts of about the same size, whole vectors of at most
// kSegmentBytes. Of the number of inputs alone.
template <class T>
int64_t segment_size(int64_t inputs) {
  const int64_t most = kSegmentBytes / static_cast<int64_t>(sizeof(T));
  const int64_t segments = inputs > 0 ? (inputs + most - 1) / most : 1;
  const int64_t size = (inputs + segments - 1) / segments;
  return (size + kWidth<T> - 1) / kWidth<T> * kWidth<T>;
}

template <class T>
void output_major(const RowProduct<T>& product) {
  const RowProduct<T> p = addressable(product);
  const int64_t size = segment_size<T>(p.inputs);
  const int64_t segments = size > 0 ? (p.inputs + size - 1) / size : 1;
  for (int64_t output = 0; output < p.outputs; output += kBlockOutputs) {
    const int64_t end = output + kBlockOutputs < p.outputs ? output + kBlockOutputs : p.outputs;
    int64_t begin = 0, segment = 0;
    do {
      const int64_t stop = begin + size < p.inputs ? begin + size : p.inputs;
      dot_block(p, output, end, {begin, stop}, segment++, segments);
      begin = stop;
    } while (begin < p.inputs);
  }
}

// The sums so far, before the first inputs: 0 or bias, or what y holds and the bias.
template <class T, class V>
PG_INLINE V start(const RowProduct<T>& p, const T* y, int64_t output, bool first, int64_t n) {
  const auto read = [n](const T* from) {
    return n < kWidth<T> ? load_first(from, n) : load<V>(from);
  };
  if (!first) return read(y);
  V sum = {};
  if (p.bias != nullptr) sum = read(p.bias + output);
  if (p.accumulate) sum += read(y);
  return sum;
}

// y += x w for a segment of the inputs, one after the other, and kVectors vectors of outputs, of
// which the last has n values. Rows of w, from the segment's first on, are `stride` apart.
template <class T, int kRows, int kVectors>
PG_INLINE void axpy_tile(const RowProduct<T>& p, int64_t row, int64_t output, Segment s, const T* w,
                         int64_t stride, int64_t n) {
  using V = Full<T>;
  const T* x = p.x + row * p.x_stride;
  T* y = p.y + row * p.y_stride + output;
  V sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v)
      sums[r][v] = start<T, V>(p, y + r * p.y_stride + v * kWidth<T>, output + v * kWidth<T>,
                               s.begin == 0, v + 1 < kVectors ? kWidth<T> : n);
  for (int64_t i = s.begin; i < s.end; ++i) {
    const T* from = w + (i - s.begin) * stride;
    V weights[kVectors];
    for (int v = 0; v < kVectors; ++v)
      weights[v] = v + 1 < kVectors || n == kWidth<T> ? load<V>(from + v * kWidth<T>)
                                                      : load_first(from + v * kWidth<T>, n);
    for (int r = 0; r < kRows; ++r) {
      const V value = x[r * p.x_stride + i] - V{};  // in each lane; minus 0 is no operation
      for (int v = 0; v < kVectors; ++v) sums[r][v] = multiply_add(value, weights[v], sums[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) {
      T* to = y + r * p.y_stride + v * kWidth<T>;
      if (v + 1 < kVectors || n == kWidth<T>)
        store(to, sums[r][v]);
      else
        store_first(to, sums[r][v], n);
    }
}

constexpr int kMaxRows = 6;
#if defined(__AVX512F__)
template <int kRows>
constexpr int kVectorsOf = kRows == 1 ? 8 : 4;
#else
template <int kRows>
constexpr int kVectorsOf = kRows == 1   ? 8
                           : kRows == 2 ? 4
                           : kRows == 3 ? 3
                                        : 2;
#endif
template <class T, int kRows>
PG_INLINE void axpy_rows(const RowProduct<T>& p, int64_t row, int64_t output, int64_t end,
                         Segment s, const T* w, int64_t stride) {
  constexpr int kVectors = kVectorsOf<kRows>;
  constexpr int64_t kStep = kVectors * kWidth<T>;
  int64_t o = output;
  for (; o + kStep <= end; o += kStep)
    axpy_tile<T, kRows, kVectors>(p, row, o, s, w + o - output, stride, kWidth<T>);
  for (; o + kWidth<T> <= end; o += kWidth<T>)
    axpy_tile<T, kRows, 1>(p, row, o, s, w + o - output, stride, kWidth<T>);
  if (o < end) axpy_tile<T, kRows, 1>(p, row, o, s, w + o - output, stride, end - o);
}

template <class T>
void axpy_block(const RowProduct<T>& p, int64_t output, int64_t end, Segment s, const T* w,
                int64_t stride) {
  const int64_t tiles = (p.rows + kMaxRows - 1) / kMaxRows;
  for (int64_t tile = 0, row = 0; tile < tiles; ++tile) {
    const int64_t rows = (p.rows - row + tiles - tile - 1) / (tiles - tile);
    switch (rows) {
      case 1:
        axpy_rows<T, 1>(p, row, output, end, s, w, stride);
        break;
      case 2:
        axpy_rows<T, 2>(p, row, output, end, s, w, stride);
        break;
      case 3:
        axpy_rows<T, 3>(p, row, output, end, s, w, stride);
        break;
      case 4:
        axpy_rows<T, 4>(p, row, output, end, s, w, stride);
        break;
      case 5:
        axpy_rows<T, 5>(p, row, output, end, s, w, stride);
        break;
      default:
        axpy_rows<T, 6>(p, row, output, end, s, w, stride);
        break;
    }
    row += rows;
  }
}

// How a product is cut: sums do not depend on it, as each goes on where the last part left it.
struct Blocks {
  int64_t outputs, inputs;
  bool copied;
};
constexpr int64_t kPanelOutputs = 128, kPanelInputs = 64;

// Few rows: a few long streams of weights. More: weights are read again for each tile of rows, from
// the first cache; where the rows of weights share its sets, from a copy.
template <class T>
Blocks blocks_of(const RowProduct<T>& p) {
  const bool same_sets = p.w_stride * static_cast<int64_t>(sizeof(T)) % 4096 == 0;
  if (p.rows <= kMaxRows) return {p.outputs, same_sets ? 4 : 8, false};
  if (same_sets) return {kPanelOutputs, kPanelInputs, true};
  return {512, 16, false};
}

template <class T>
void input_major(const RowProduct<T>& product) {
  const RowProduct<T> p = addressable(product);
  const Blocks blocks = blocks_of(p);
  T panel[kPanelInputs * kPanelOutputs];
  for (int64_t output = 0; output < p.outputs; output += blocks.outputs) {
    const int64_t end = output + blocks.outputs < p.outputs ? output + blocks.outputs : p.outputs;
    int64_t begin = 0;
    do {
      const int64_t stop = begin + blocks.inputs < p.inputs ? begin + blocks.inputs : p.inputs;
      const T* w = p.w + begin * p.w_stride + output;
      if (blocks.copied) {
        for (int64_t i = 0; i < stop - begin; ++i)
          for (int64_t o = 0; o < end - output; ++o)
            panel[i * kPanelOutputs + o] = w[i * p.w_stride + o];
        axpy_block(p, output, end, {begin, stop}, panel, kPanelOutputs);
      } else {
        axpy_block(p, output, end, {begin, stop}, w, p.w_stride);
      }
      begin = stop;
    } while (begin < p.inputs);
  }
}

template <class T>
constexpr RowProductKernels<T> make() {
  return {output_major<T>, input_major<T>};
}

}  // namespace

extern const RowProductKernels<float> row_product_float_kernels;
extern const RowProductKernels<double> row_product_double_kernels;
const RowProductKernels<float> row_product_float_kernels = make<float>();
const RowProductKernels<double> row_product_double_kernels = make<double>();

}  // namespace PG_KERNELS
}  // namespace pgtrain
