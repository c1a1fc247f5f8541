// Vectorised loops over one row of numbers: softmax pieces, recurrent cells, the Adam step. Plain
// C++ compiled for several instruction sets; the best one that the processor has is chosen once.
#pragma once

#include <cstdint>

namespace pgtrain {

// The numbers of one Adam step, worked out in double and rounded once: 1 - beta from a rounded beta
// would be wrong near 1.
//   m = beta1 m + complement1 g    v = beta2 v + complement2 g^2    with g = gradient_scale *
//   gradient parameter = keep * parameter - step_size * m / (sqrt(v) * root_correction + epsilon)
template <class T>
struct AdamStep {
  T gradient_scale, beta1, complement1, beta2, complement2, epsilon;
  T keep;             // 1 - learning rate * weight decay
  T step_size;        // learning rate / (1 - beta1^t)
  T root_correction;  // 1 / sqrt(1 - beta2^t)
};

// T is float or double. All pointers are to contiguous values; `n` is the number of values.
template <class T>
struct RowKernels {
  // The largest value.
  T (*max)(const T* x, int64_t n);
  // x_i <- exp(scale * x_i - shift); returns the sum of the new values.
  double (*exp_in_place)(T* x, int64_t n, T scale, T shift);
  // With y_i = scale * x_i - shift: sum_exp = sum exp(y_i), sum_y_exp = sum y_i exp(y_i).
  void (*softmax_sums)(const T* x, int64_t n, T scale, T shift, double* sum_exp, double* sum_y_exp);
  // Gradient of g * log_prob + e * entropy with respect to x, but for the chosen id's own term, in
  // place: with l_i = scale * x_i - log_sum_exp and p_i = exp(l_i): x_i <- -scale * p_i * (g + e *
  // (l_i + entropy)).
  void (*log_prob_gradient)(T* x, int64_t n, T scale, T log_sum_exp, T g, T e, T entropy);
  // y_i += x_i
  void (*add)(T* y, const T* x, int64_t n);

  // One GRU row (formulas of recurrent.h). gates = [r z n] in its input part, 3n values, replaced
  // by the activations; recurrent = the [r z n] recurrent part with bias, 3n; its n part is kept in
  // recurrent_n when not null. h = new state.
  void (*gru_forward)(T* gates, const T* recurrent, T* recurrent_n, const T* h_previous, T* h,
                      int64_t n);
  // dh: gradient of the new state in, of the direct path to the previous state (dh * z) out. gates:
  // activations in, gradient of the input part out. d_recurrent: gradient of the recurrent part,
  // 3n.
  void (*gru_backward)(T* dh, T* gates, const T* recurrent_n, const T* h_previous, T* d_recurrent,
                       int64_t n);
  // One LSTM row: gates = [i f g o] input part, 4n, replaced by activations; recurrent 4n; c and h
  // new states.
  void (*lstm_forward)(T* gates, const T* recurrent, const T* c_previous, T* c, T* h, int64_t n);
  // dh: gradient of h. dc: gradient of the new cell in, of the previous cell out. gates:
  // activations in, gradient of the pre-activations out (the same for input and recurrent part).
  void (*lstm_backward)(const T* dh, T* dc, T* gates, const T* c_previous, const T* c, int64_t n);

  // Adam / AdamW on n values.
  void (*adam)(T* parameter, const T* gradient, T* m, T* v, int64_t n, const AdamStep<T>& step);
};

template <class T>
const RowKernels<T>& row_kernels();

// "avx512", "avx2" or "portable": what row_kernels<float>() uses on this machine.
const char* row_kernels_name();

}  // namespace pgtrain
