// Compiled once for each instruction set with PG_KERNELS = the namespace. Includes no header with
// inline functions that other files use too: the linker could otherwise keep a copy that needs
// instructions which the processor lacks.
#include "tensor/kernel_math.h"
#include "tensor/row_kernels.h"

namespace pgtrain {
namespace PG_KERNELS {
namespace {

template <class T>
T max(const T* x, int64_t n) {
  T lanes[kLanes];
  for (int j = 0; j < kLanes; ++j) lanes[j] = x[0];
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int j = 0; j < kLanes; ++j) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  T best = lanes[0];
  for (int j = 1; j < kLanes; ++j) best = lanes[j] > best ? lanes[j] : best;
  for (; i < n; ++i) best = x[i] > best ? x[i] : best;
  return best;
}

template <class T>
double exp_in_place(T* x, int64_t n, T scale, T shift) {
  double total = 0;
  for (int64_t start = 0; start < n; start += kBlock) {
    const int64_t end = start + kBlock < n ? start + kBlock : n;
    T lanes[kLanes] = {};
    int64_t i = start;
    for (; i + kLanes <= end; i += kLanes)
      for (int j = 0; j < kLanes; ++j) {
        x[i + j] = exp_of(scale * x[i + j] - shift);
        lanes[j] += x[i + j];
      }
    for (; i < end; ++i) {
      x[i] = exp_of(scale * x[i] - shift);
      lanes[0] += x[i];
    }
    for (int j = 0; j < kLanes; ++j) total += static_cast<double>(lanes[j]);
  }
  return total;
}

template <class T>
void softmax_sums(const T* x, int64_t n, T scale, T shift, double* sum_exp, double* sum_y_exp) {
  *sum_exp = 0;
  *sum_y_exp = 0;
  for (int64_t start = 0; start < n; start += kBlock) {
    const int64_t end = start + kBlock < n ? start + kBlock : n;
    T exps[kLanes] = {};
    T products[kLanes] = {};
    int64_t i = start;
    for (; i + kLanes <= end; i += kLanes)
      for (int j = 0; j < kLanes; ++j) {
        const T y = scale * x[i + j] - shift;
        const T e = exp_of(y);
        exps[j] += e;
        products[j] += y * e;
      }
    for (; i < end; ++i) {
      const T y = scale * x[i] - shift;
      const T e = exp_of(y);
      exps[0] += e;
      products[0] += y * e;
    }
    for (int j = 0; j < kLanes; ++j) {
      *sum_exp += static_cast<double>(exps[j]);
      *sum_y_exp += static_cast<double>(products[j]);
    }
  }
}

template <class T>
void log_prob_gradient(T* x, int64_t n, T scale, T log_sum_exp, T g, T e, T entropy) {
  const T constant = g + e * entropy;
  for (int64_t i = 0; i < n; ++i) {
    const T l = scale * x[i] - log_sum_exp;
    x[i] = -scale * exp_of(l) * (constant + e * l);
  }
}

template <class T>
void add(T* __restrict y, const T* __restrict x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += x[i];
}

template <class T>
void gru_forward(T* gates, const T* recurrent, T* recurrent_n, const T* h_previous, T* h,
                 int64_t n) {
  PG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) {
    const T r = sigmoid(gates[i] + recurrent[i]);
    const T z = sigmoid(gates[n + i] + recurrent[n + i]);
    const T candidate = tanh_of(gates[2 * n + i] + r * recurrent[2 * n + i]);
    gates[i] = r;
    gates[n + i] = z;
    gates[2 * n + i] = candidate;
    h[i] = candidate + z * (h_previous[i] - candidate);
  }
  if (recurrent_n != nullptr)
    for (int64_t i = 0; i < n; ++i) recurrent_n[i] = recurrent[2 * n + i];
}

template <class T>
void gru_backward(T* __restrict dh, T* __restrict gates, const T* __restrict recurrent_n,
                  const T* __restrict h_previous, T* __restrict d_recurrent, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T r = gates[i];
    const T z = gates[n + i];
    const T candidate = gates[2 * n + i];
    const T d_candidate = dh[i] * (T(1) - z) * (T(1) - candidate * candidate);
    const T d_z = dh[i] * (h_previous[i] - candidate) * z * (T(1) - z);
    const T d_r = d_candidate * recurrent_n[i] * r * (T(1) - r);
    gates[i] = d_r;
    gates[n + i] = d_z;
    gates[2 * n + i] = d_candidate;
    d_recurrent[i] = d_r;
    d_recurrent[n + i] = d_z;
    d_recurrent[2 * n + i] = d_candidate * r;
    dh[i] *= z;
  }
}

template <class T>
void lstm_forward(T* gates, const T* recurrent, const T* c_previous, T* c, T* h, int64_t n) {
  PG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) {
    const T input = sigmoid(gates[i] + recurrent[i]);
    const T forget = sigmoid(gates[n + i] + recurrent[n + i]);
    const T candidate = tanh_of(gates[2 * n + i] + recurrent[2 * n + i]);
    const T output = sigmoid(gates[3 * n + i] + recurrent[3 * n + i]);
    const T cell = forget * c_previous[i] + input * candidate;
    gates[i] = input;
    gates[n + i] = forget;
    gates[2 * n + i] = candidate;
    gates[3 * n + i] = output;
    c[i] = cell;
    h[i] = output * tanh_of(cell);
  }
}

template <class T>
void lstm_backward(const T* __restrict dh, T* __restrict dc, T* __restrict gates,
                   const T* __restrict c_previous, const T* __restrict c, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T input = gates[i];
    const T forget = gates[n + i];
    const T candidate = gates[2 * n + i];
    const T output = gates[3 * n + i];
    const T squashed = tanh_of(c[i]);
    const T d_cell = dc[i] + dh[i] * output * (T(1) - squashed * squashed);
    gates[i] = d_cell * candidate * input * (T(1) - input);
    gates[n + i] = d_cell * c_previous[i] * forget * (T(1) - forget);
    gates[2 * n + i] = d_cell * input * (T(1) - candidate * candidate);
    gates[3 * n + i] = dh[i] * squashed * output * (T(1) - output);
    dc[i] = d_cell * forget;
  }
}

template <class T>
void adam(T* __restrict parameter, const T* __restrict gradient, T* __restrict m, T* __restrict v,
          int64_t n, const AdamStep<T>& step) {
  const AdamStep<T> s = step;
  for (int64_t i = 0; i < n; ++i) {
    const T g = gradient[i] * s.gradient_scale;
    m[i] = s.beta1 * m[i] + s.complement1 * g;
    v[i] = s.beta2 * v[i] + s.complement2 * g * g;
    parameter[i] =
        parameter[i] * s.keep - s.step_size * m[i] / (root(v[i]) * s.root_correction + s.epsilon);
  }
}

template <class T>
constexpr RowKernels<T> make() {
  return {max<T>,         exp_in_place<T>, softmax_sums<T>, log_prob_gradient<T>, add<T>,
          gru_forward<T>, gru_backward<T>, lstm_forward<T>, lstm_backward<T>,     adam<T>};
}

}  // namespace

extern const RowKernels<float> float_kernels;
extern const RowKernels<double> double_kernels;
const RowKernels<float> float_kernels = make<float>();
const RowKernels<double> double_kernels = make<double>();

}  // namespace PG_KERNELS
}  // namespace pgtrain
