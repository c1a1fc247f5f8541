#include "nn/activation.h"

#include <torch/torch.h>

#include "core/parallel.h"
#include "tensor/transformer_kernels.h"

namespace pgtrain {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kBlockRows = 4;  // that one thread takes at a time

template <class T>
void forward_rows(Activation kind, const at::Tensor& x, const at::Tensor& y) {
  const auto& kernels = transformer_kernels<T>();
  const int64_t n = y.size(1);
  const T* from = x.data_ptr<T>();
  T* to = y.data_ptr<T>();
  parallel_ranges(x.size(0), kBlockRows, [&](int64_t begin, int64_t end) {
    const int64_t start = begin * n, count = (end - begin) * n;
    if (kind == Activation::kGeluTanh) return kernels.gelu_tanh(from + start, to + start, count);
    if (kind == Activation::kGeluErf) return kernels.gelu_erf(from + start, to + start, count);
    for (int64_t i = begin; i < end; ++i)
      kernels.swiglu(from + i * 2 * n, from + i * 2 * n + n, to + i * n, n);
  });
}

template <class T>
void backward_rows(Activation kind, const at::Tensor& x, const at::Tensor& dy,
                   const at::Tensor& dx) {
  const auto& kernels = transformer_kernels<T>();
  const int64_t n = dy.size(1);
  const T* from = x.data_ptr<T>();
  const T* gradient = dy.data_ptr<T>();
  T* to = dx.data_ptr<T>();
  parallel_ranges(x.size(0), kBlockRows, [&](int64_t begin, int64_t end) {
    const int64_t start = begin * n, count = (end - begin) * n;
    if (kind == Activation::kGeluTanh)
      return kernels.gelu_tanh_gradient(from + start, gradient + start, to + start, count);
    if (kind == Activation::kGeluErf)
      return kernels.gelu_erf_gradient(from + start, gradient + start, to + start, count);
    for (int64_t i = begin; i < end; ++i)
      kernels.swiglu_gradient(from + i * 2 * n, from + i * 2 * n + n, gradient + i * n,
                              to + i * 2 * n, to + i * 2 * n + n, n);
  });
}

struct Activate : torch::autograd::Function<Activate> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, int64_t kind_index) {
    const auto kind = static_cast<Activation>(kind_index);
    const int64_t size = kind == Activation::kSwiGlu ? x.size(1) / 2 : x.size(1);
    const at::Tensor y = at::empty({x.size(0), size}, x.options());
    activate_out(kind, x, y);
    context->save_for_backward({x});
    context->saved_data["kind"] = kind_index;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::Tensor x = context->get_saved_variables()[0];
    const auto kind = static_cast<Activation>(context->saved_data["kind"].toInt());
    const at::Tensor dy = gradients[0].contiguous();
    const at::Tensor dx = at::empty_like(x);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "activate_backward",
                               [&] { backward_rows<scalar_t>(kind, x, dy, dx); });
    return {dx, {}};
  }
};

}  // namespace

at::Tensor activate(Activation kind, const at::Tensor& x) {
  return Activate::apply(x.contiguous(), static_cast<int64_t>(kind));
}

void activate_out(Activation kind, const at::Tensor& x, const at::Tensor& y) {
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "activate",
                             [&] { forward_rows<scalar_t>(kind, x, y); });
}

}  // namespace pgtrain
