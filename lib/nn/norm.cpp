#include "nn/norm.h"

#include <torch/torch.h>

#include "core/parallel.h"
#include "tensor/gradient_sink.h"
#include "tensor/transformer_kernels.h"

namespace pgtrain {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kBlockRows = 32;  // that one thread takes at a time

// means, inverses: of each row; null when nobody needs them. bias: empty for RMSNorm.
template <class T>
void forward_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, T epsilon,
                  const at::Tensor& y, T* means, T* inverses) {
  const auto& kernels = transformer_kernels<T>();
  const int64_t n = x.size(1);
  const T* w = weight.data_ptr<T>();
  const T* from = x.data_ptr<T>();
  T* to = y.data_ptr<T>();
  const auto normalise = [&](int64_t i) {
    T mean = 0;
    T inverse = 0;
    if (bias.numel() > 0)
      kernels.layer_norm(from + i * n, w, bias.data_ptr<T>(), to + i * n, n, epsilon, &mean,
                         &inverse);
    else
      inverse = kernels.rms_norm(from + i * n, w, to + i * n, n, epsilon);
    if (means != nullptr) means[i] = mean;
    if (inverses != nullptr) inverses[i] = inverse;
  };
  parallel_ranges(x.size(0), kBlockRows, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) normalise(i);
  });
}

// d_weight, d_bias: a row of sums for each block of rows, or null.
template <class T>
void backward_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& dy,
                   const T* means, const T* inverses, const at::Tensor& dx, T* d_weights,
                   T* d_biases, bool has_bias) {
  const auto& kernels = transformer_kernels<T>();
  const int64_t n = x.size(1);
  const auto differentiate = [&](int64_t i) {
    T* d_weight = d_weights == nullptr ? nullptr : d_weights + i / kBlockRows * n;
    T* d_bias = d_biases == nullptr ? nullptr : d_biases + i / kBlockRows * n;
    const T* row = x.data_ptr<T>() + i * n;
    const T* gradient = dy.data_ptr<T>() + i * n;
    T* out = dx.data_ptr<T>() + i * n;
    if (has_bias)
      kernels.layer_norm_gradient(row, weight.data_ptr<T>(), gradient, means[i], inverses[i], out,
                                  d_weight, d_bias, n);
    else
      kernels.rms_norm_gradient(row, weight.data_ptr<T>(), gradient, inverses[i], out, d_weight, n);
  };
  parallel_ranges(x.size(0), kBlockRows, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) differentiate(i);
  });
}

struct Norm : torch::autograd::Function<Norm> {
  // bias: empty for RMSNorm.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, double epsilon) {
    const at::Tensor y = at::empty_like(x);
    const at::Tensor statistics = at::empty({2, x.size(0)}, x.options());
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "norm", [&] {
      scalar_t* means = statistics.data_ptr<scalar_t>();
      forward_rows<scalar_t>(x, weight, bias, static_cast<scalar_t>(epsilon), y, means,
                             means + x.size(0));
    });
    context->save_for_backward({x, weight, bias});
    context->saved_data["statistics"] = statistics;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &bias = saved[2];
    const at::Tensor statistics = context->saved_data["statistics"].toTensor();
    const at::Tensor dy = gradients[0].contiguous();
    const at::Tensor dx = at::empty_like(x);
    const auto plain = x.options().requires_grad(false);
    GradientSink weight_sink(weight);
    GradientSink bias_sink(bias);
    const int64_t blocks = (x.size(0) + kBlockRows - 1) / kBlockRows;
    const auto sums_of = [&](const GradientSink& sink) {
      return sink.active() ? at::zeros({blocks, x.size(1)}, plain) : at::Tensor();
    };
    const at::Tensor d_weight = sums_of(weight_sink);
    const at::Tensor d_bias = sums_of(bias_sink);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "norm_backward", [&] {
      const scalar_t* means = statistics.data_ptr<scalar_t>();
      backward_rows<scalar_t>(x, weight, dy, means, means + x.size(0), dx,
                              d_weight.defined() ? d_weight.data_ptr<scalar_t>() : nullptr,
                              d_bias.defined() ? d_bias.data_ptr<scalar_t>() : nullptr,
                              bias.numel() > 0);
    });
    weight_sink.add_column_sums(d_weight);
    bias_sink.add_column_sums(d_bias);
    return {dx, weight_sink.result(), bias_sink.result(), {}};
  }
};

at::Tensor bias_or_empty(const NormWeights& weights) {
  return weights.bias.defined() ? weights.bias
                                : at::empty({0}, weights.weight.options().requires_grad(false));
}

}  // namespace

at::Tensor norm(const at::Tensor& x, const NormWeights& weights, double epsilon) {
  return Norm::apply(x.contiguous(), weights.weight, bias_or_empty(weights), epsilon);
}

void norm_out(const at::Tensor& x, const NormWeights& weights, double epsilon,
              const at::Tensor& y) {
  const at::Tensor bias = bias_or_empty(weights);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "norm_out", [&] {
    forward_rows<scalar_t>(x, weights.weight, bias, static_cast<scalar_t>(epsilon), y, nullptr,
                           nullptr);
  });
}

}  // namespace pgtrain
