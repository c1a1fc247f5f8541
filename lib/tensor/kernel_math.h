// Numbers and functions that all files of kernels share. Everything is forced inline and lies in
// the variant's own unnamed namespace: no copy that needs instructions which the processor lacks
// can reach another file. For kernel sources (PG_KERNELS defined) only.
#pragma once

#include <cstdint>

#define PG_INLINE static inline __attribute__((always_inline))

// The next loop touches value i of each array in round i only: it vectorises although arrays may be
// the same.
#if defined(__clang__)
#define PG_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define PG_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace pgtrain {
namespace PG_KERNELS {
namespace {

constexpr int kLanes = 16;
constexpr int64_t kBlock = 4096;  // values summed in T before the sum goes to double

// exp(x) to about 2 units in the last place: x = k ln 2 + r, |r| <= ln2 / 2, a degree-6 polynomial
// (the minimax coefficients of Cephes expf), times 2^k. Below -87 the result is about 1e-38, never
// 0; above 88 it stays finite.
PG_INLINE float exp_of(float x) {
  x = x > -87.0F ? x : -87.0F;  // also NaN, which has no integer below
  x = x > 88.0F ? 88.0F : x;
  const float magic = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  const float k = (x * 1.44269504088896341F + magic) - magic;
  const float r = (x - k * 0.693359375F) - k * -2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const int32_t bits = (static_cast<int32_t>(k) + 127) << 23;
  float power;
  __builtin_memcpy(&power, &bits, sizeof power);
  return p * power;
}
PG_INLINE double exp_of(double x) { return __builtin_exp(x); }

template <class T>
PG_INLINE T sigmoid(T x) {
  return T(1) / (T(1) + exp_of(-x));
}
template <class T>
PG_INLINE T tanh_of(T x) {
  return T(2) / (T(1) + exp_of(T(-2) * x)) - T(1);
}
PG_INLINE float root(float x) { return __builtin_sqrtf(x); }
PG_INLINE double root(double x) { return __builtin_sqrt(x); }

// The sum of partial sums, in halves.
template <class T>
PG_INLINE T lane_sum(T* lanes) {
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int j = 0; j < width; ++j) lanes[j] += lanes[j + width];
  return lanes[0];
}

// sum x_i y_i
template <class T>
PG_INLINE T dot(const T* x, const T* y, int64_t n) {
  T lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int j = 0; j < kLanes; ++j) lanes[j] += x[i + j] * y[i + j];
  for (; i < n; ++i) lanes[0] += x[i] * y[i];
  return lane_sum(lanes);
}

}  // namespace
}  // namespace PG_KERNELS
}  // namespace pgtrain
