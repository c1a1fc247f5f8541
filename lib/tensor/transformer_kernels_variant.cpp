// Compiled once for each instruction set with PG_KERNELS = the namespace; for what it may include
// see row_kernels_variant.cpp.
#include "tensor/transformer_kernels.h"

#include "tensor/kernel_math.h"

namespace pgtrain {
namespace PG_KERNELS {
namespace {

template <class T>
T rms_norm(const T* x, const T* weight, T* y, int64_t n, T epsilon) {
  const T inverse = T(1) / root(dot(x, x, n) / static_cast<T>(n) + epsilon);
  PG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = weight[i] * (x[i] * inverse);
  return inverse;
}

// With u = x * inverse and g = dy * weight: dx = inverse * (g - u * mean(g u)).
template <class T>
void rms_norm_gradient(const T* x, const T* weight, const T* dy, T inverse, T* dx, T* d_weight,
                       int64_t n) {
  T lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int j = 0; j < kLanes; ++j) lanes[j] += dy[i + j] * weight[i + j] * x[i + j];
  for (; i < n; ++i) lanes[0] += dy[i] * weight[i] * x[i];
  const T factor = lane_sum(lanes) * inverse * inverse / static_cast<T>(n);
  if (d_weight != nullptr) {
    PG_INDEPENDENT
    for (i = 0; i < n; ++i) d_weight[i] += dy[i] * x[i] * inverse;
  }
  PG_INDEPENDENT
  for (i = 0; i < n; ++i) dx[i] = inverse * (dy[i] * weight[i] - x[i] * factor);
}

template <class T>
void layer_norm(const T* x, const T* weight, const T* bias, T* y, int64_t n, T epsilon, T* mean,
                T* inverse) {
  T lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int j = 0; j < kLanes; ++j) lanes[j] += x[i + j];
  for (; i < n; ++i) lanes[0] += x[i];
  const T middle = lane_sum(lanes) / static_cast<T>(n);
  T squares[kLanes] = {};
  for (i = 0; i + kLanes <= n; i += kLanes)
    for (int j = 0; j < kLanes; ++j) squares[j] += (x[i + j] - middle) * (x[i + j] - middle);
  for (; i < n; ++i) squares[0] += (x[i] - middle) * (x[i] - middle);
  const T factor = T(1) / root(lane_sum(squares) / static_cast<T>(n) + epsilon);
  PG_INDEPENDENT
  for (i = 0; i < n; ++i) y[i] = (x[i] - middle) * factor * weight[i] + bias[i];
  *mean = middle;
  *inverse = factor;
}

// With u = (x - mean) * inverse and g = dy * weight: dx = inverse * (g - mean(g) - u * mean(g u)).
template <class T>
void layer_norm_gradient(const T* x, const T* weight, const T* dy, T mean, T inverse, T* dx,
                         T* d_weight, T* d_bias, int64_t n) {
  T sums[kLanes] = {};
  T products[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int j = 0; j < kLanes; ++j) {
      const T g = dy[i + j] * weight[i + j];
      sums[j] += g;
      products[j] += g * (x[i + j] - mean);
    }
  for (; i < n; ++i) {
    const T g = dy[i] * weight[i];
    sums[0] += g;
    products[0] += g * (x[i] - mean);
  }
  const T shift = lane_sum(sums) / static_cast<T>(n);
  const T factor = lane_sum(products) * inverse * inverse / static_cast<T>(n);
  if (d_weight != nullptr) {
    PG_INDEPENDENT
    for (i = 0; i < n; ++i) d_weight[i] += dy[i] * (x[i] - mean) * inverse;
  }
  if (d_bias != nullptr) {
    PG_INDEPENDENT
    for (i = 0; i < n; ++i) d_bias[i] += dy[i];
  }
  PG_INDEPENDENT
  for (i = 0; i < n; ++i) dx[i] = inverse * (dy[i] * weight[i] - shift - (x[i] - mean) * factor);
}

template <class T>
void rotate(T* x, const T* cosine, const T* sine, int64_t heads, int64_t half, T sign) {
  for (int64_t head = 0; head < heads; ++head) {
    T* first = x + head * 2 * half;
    T* second = first + half;
    PG_INDEPENDENT
    for (int64_t i = 0; i < half; ++i) {
      const T a = first[i];
      const T b = second[i];
      const T s = sign * sine[i];
      first[i] = a * cosine[i] - b * s;
      second[i] = b * cosine[i] + a * s;
    }
  }
}

template <class T>
void swiglu(const T* gate, const T* up, T* y, int64_t n) {
  PG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = gate[i] * sigmoid(gate[i]) * up[i];
}

template <class T>
void swiglu_gradient(const T* gate, const T* up, const T* dy, T* d_gate, T* d_up, int64_t n) {
  PG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) {
    const T s = sigmoid(gate[i]);
    const T silu = gate[i] * s;
    const T g = dy[i];
    d_gate[i] = g * up[i] * (s + silu * (T(1) - s));
    d_up[i] = g * silu;
  }
}

// gelu(x) = x * sigmoid(2 a (x + b x^3)), because 1 + tanh(u) = 2 sigmoid(2 u).
template <class T>
void gelu_tanh(const T* x, T* y, int64_t n) {
  const T a = T(1.5957691216057308);  // 2 sqrt(2 / pi)
  const T b = T(0.044715);
  PG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] * sigmoid(a * x[i] * (T(1) + b * x[i] * x[i]));
}

template <class T>
void gelu_tanh_gradient(const T* x, const T* dy, T* dx, int64_t n) {
  const T a = T(1.5957691216057308);
  const T b = T(0.044715);
  PG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) {
    const T square = x[i] * x[i];
    const T s = sigmoid(a * x[i] * (T(1) + b * square));
    const T slope = a * (T(1) + T(3) * b * square);
    dx[i] = dy[i] * (s + x[i] * s * (T(1) - s) * slope);
  }
}

PG_INLINE float erf_of(float x) { return __builtin_erff(x); }
PG_INLINE double erf_of(double x) { return __builtin_erf(x); }

template <class T>
void gelu_erf(const T* x, T* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    y[i] = T(0.5) * x[i] * (T(1) + erf_of(x[i] * T(0.7071067811865476)));
}

template <class T>
void gelu_erf_gradient(const T* x, const T* dy, T* dx, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T cumulative = T(0.5) * (T(1) + erf_of(x[i] * T(0.7071067811865476)));
    const T density = T(0.3989422804014327) * exp_of(T(-0.5) * x[i] * x[i]);
    dx[i] = dy[i] * (cumulative + x[i] * density);
  }
}

// The finaliser is the two-multiplication one that C. Wellons found by search ("hash prospector",
// public domain).
template <class T>
void dropout(const T* x, T* y, int64_t n, uint64_t key, uint32_t threshold, T scale) {
  const auto low = static_cast<uint32_t>(key);
  const auto high = static_cast<uint32_t>(key >> 32);
  PG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) {
    uint32_t h = low + static_cast<uint32_t>(i) * 0x9E3779B9U;
    h ^= h >> 16;
    h *= 0x21F0AAADU;
    h ^= (h >> 15) ^ high;
    h *= 0x735A2D97U;
    h ^= h >> 15;
    y[i] = h >= threshold ? x[i] * scale : T(0);
  }
}

template <class T>
void softmax_gradient(const T* p, T* dp, int64_t n, T sum, T scale) {
  PG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) dp[i] = scale * p[i] * (dp[i] - sum);
}

// Vectors of the compiler: operators work on all values, and it splits what the processor lacks.
typedef float Float16 __attribute__((vector_size(64)));
typedef float Float8 __attribute__((vector_size(32)));
typedef float Float4 __attribute__((vector_size(16)));
typedef double Double16 __attribute__((vector_size(128)));
typedef double Double8 __attribute__((vector_size(64)));
typedef double Double4 __attribute__((vector_size(32)));
typedef double Double2 __attribute__((vector_size(16)));

template <class T>
struct Vectors;
template <>
struct Vectors<float> {
  using Page = Float16;
  using Wide = Float16;
  using Middle = Float8;
  using Narrow = Float4;
};
template <>
struct Vectors<double> {
  using Page = Double16;
  using Wide = Double8;
  using Middle = Double4;
  using Narrow = Double2;
};

#if defined(__AVX512F__)
constexpr int kTileRows = 8;
#else
constexpr int kTileRows = 4;
#endif

// kRows rows of C, as many columns as V has values, from row m and column n.
template <class T, class V, int kRows>
PG_INLINE void product_tile(const SmallProduct<T>& p, int64_t m, int64_t n) {
  V sum[kRows];
  for (int r = 0; r < kRows; ++r) {
    if (p.accumulate)
      __builtin_memcpy(&sum[r], p.c + (m + r) * p.c_row + n, sizeof(V));
    else
      sum[r] = V{};
  }
  const T* a = p.a + m * p.a_row;
  const T* b = p.b + n;
  for (int64_t k = 0; k < p.k; ++k) {
    V row;
    __builtin_memcpy(&row, b + k * p.b_row, sizeof(V));
    for (int r = 0; r < kRows; ++r) sum[r] += row * a[r * p.a_row + k * p.a_column];
  }
  for (int r = 0; r < kRows; ++r) __builtin_memcpy(p.c + (m + r) * p.c_row + n, &sum[r], sizeof(V));
}

template <class T, class V>
int64_t product_columns(const SmallProduct<T>& p, int64_t n) {
  constexpr int64_t kWidth = sizeof(V) / sizeof(T);
  for (; n + kWidth <= p.n; n += kWidth) {
    int64_t m = 0;
    for (; m + kTileRows <= p.m; m += kTileRows) product_tile<T, V, kTileRows>(p, m, n);
    for (; m < p.m; ++m) product_tile<T, V, 1>(p, m, n);
  }
  return n;
}

template <class T>
void small_product(const SmallProduct<T>& product) {
  const SmallProduct<T> p = product;
  int64_t n = product_columns<T, typename Vectors<T>::Wide>(p, 0);
  n = product_columns<T, typename Vectors<T>::Middle>(p, n);
  n = product_columns<T, typename Vectors<T>::Narrow>(p, n);
  product_columns<T, T>(p, n);
}

// Scores of one query over one page.
template <class T>
PG_INLINE void page_scores(const T* query, const T* keys, int64_t size, T* scores) {
  using V = typename Vectors<T>::Page;
  V sums[4] = {V{}, V{}, V{}, V{}};
  int64_t c = 0;
  for (; c + 4 <= size; c += 4)
    for (int u = 0; u < 4; ++u) {
      V key;
      __builtin_memcpy(&key, keys + (c + u) * kPagePositions, sizeof(V));
      sums[u] += key * query[c + u];
    }
  for (; c < size; ++c) {
    V key;
    __builtin_memcpy(&key, keys + c * kPagePositions, sizeof(V));
    sums[0] += key * query[c];
  }
  const V total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  __builtin_memcpy(scores, &total, sizeof(V));
}

// Columns c.. of the sum of the values weighted with p, from kVectors vectors a position.
template <class T, class V, int kVectors>
PG_INLINE void weighted_values(const PagedAttention<T>& a, const T* p, T factor, T* out,
                               int64_t c) {
  constexpr int64_t kWidth = sizeof(V) / sizeof(T);
  V sums[kVectors];
  for (int u = 0; u < kVectors; ++u) sums[u] = V{};
  for (int64_t position = a.begin; position < a.end;) {
    const int64_t page = position / kPagePositions;
    const int64_t first = page * kPagePositions;
    const int64_t stop = first + kPagePositions < a.end ? first + kPagePositions : a.end;
    const T* values = a.pages[page] + a.offset + kPagePositions * a.size + c;
    for (; position < stop; ++position) {
      const T* row = values + (position - first) * a.size;
      for (int u = 0; u < kVectors; ++u) {
        V value;
        __builtin_memcpy(&value, row + u * kWidth, sizeof(V));
        sums[u] += value * p[position - a.begin];
      }
    }
  }
  for (int u = 0; u < kVectors; ++u) {
    const V result = sums[u] * factor;
    __builtin_memcpy(out + c + u * kWidth, &result, sizeof(V));
  }
}

template <class T>
void paged_attention(const PagedAttention<T>& attention) {
  const PagedAttention<T> a = attention;
  const int64_t first_page = a.begin / kPagePositions;
  const int64_t last_page = (a.end - 1) / kPagePositions;
  const int64_t stride = (last_page - first_page + 1) * kPagePositions;
  for (int64_t page = first_page; page <= last_page; ++page) {
    const T* keys = a.pages[page] + a.offset;
    T* scores = a.scores + (page - first_page) * kPagePositions;
    for (int64_t head = 0; head < a.heads; ++head)
      page_scores(a.query + head * a.size, keys, a.size, scores + head * stride);
  }
  using Wide = typename Vectors<T>::Wide;
  constexpr int64_t kWide = sizeof(Wide) / sizeof(T);
  constexpr int64_t kMiddle = kWide / 2;
  for (int64_t head = 0; head < a.heads; ++head) {
    T* p = a.scores + head * stride + (a.begin - first_page * kPagePositions);
    const int64_t n = a.end - a.begin;
    T largest = p[0];
    for (int64_t i = 1; i < n; ++i) largest = p[i] > largest ? p[i] : largest;
    T lanes[kLanes] = {};
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes)
      for (int j = 0; j < kLanes; ++j) {
        p[i + j] = exp_of(a.scale * (p[i + j] - largest));
        lanes[j] += p[i + j];
      }
    for (; i < n; ++i) {
      p[i] = exp_of(a.scale * (p[i] - largest));
      lanes[0] += p[i];
    }
    const T factor = T(1) / lane_sum(lanes);
    T* out = a.out + head * a.size;
    int64_t c = 0;
    for (; c + 4 * kWide <= a.size; c += 4 * kWide)
      weighted_values<T, Wide, 4>(a, p, factor, out, c);
    for (; c + kWide <= a.size; c += kWide) weighted_values<T, Wide, 1>(a, p, factor, out, c);
    for (; c + kMiddle <= a.size; c += kMiddle)
      weighted_values<T, typename Vectors<T>::Middle, 1>(a, p, factor, out, c);
    for (; c < a.size; ++c) weighted_values<T, T, 1>(a, p, factor, out, c);
  }
}

template <class T>
constexpr TransformerKernels<T> make() {
  return {rms_norm<T>,
          rms_norm_gradient<T>,
          layer_norm<T>,
          layer_norm_gradient<T>,
          rotate<T>,
          swiglu<T>,
          swiglu_gradient<T>,
          gelu_tanh<T>,
          gelu_tanh_gradient<T>,
          gelu_erf<T>,
          gelu_erf_gradient<T>,
          dropout<T>,
          softmax_gradient<T>,
          small_product<T>,
          paged_attention<T>};
}

}  // namespace

extern const TransformerKernels<float> transformer_float_kernels;
extern const TransformerKernels<double> transformer_double_kernels;
const TransformerKernels<float> transformer_float_kernels = make<float>();
const TransformerKernels<double> transformer_double_kernels = make<double>();

}  // namespace PG_KERNELS
}  // namespace pgtrain
