#include "nn/linear.h"

#include <torch/torch.h>

#include "core/error.h"
#include "core/parallel.h"
#include "tensor/block_product.h"
#include "tensor/gradient_sink.h"
#include "tensor/transformer_kernels.h"

namespace pgtrain {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kDropoutRows = 16;  // that one thread takes at a time

// [rows of all, columns] over tensors that lie one after the other in one storage; undefined when
// they do not.
at::Tensor adjacent(const std::vector<at::Tensor>& parts) {
  const at::Tensor& first = parts[0];
  if (parts.size() == 1) return first;
  int64_t rows = 0;
  int64_t offset = first.storage_offset();
  for (const at::Tensor& part : parts) {
    if (!part.is_contiguous() || !part.is_alias_of(first) || part.storage_offset() != offset)
      return {};
    rows += part.size(0);
    offset += part.numel();
  }
  return first.as_strided({rows, first.size(1)}, {first.size(1), 1});
}

// y = x W' (or x W for input-major weights) into columns of y, for all parts. With add, y += ...
void multiply(const at::Tensor& x, const std::vector<at::Tensor>& weights, bool input_major,
              bool add, const at::Tensor& y) {
  const at::Tensor all = adjacent(weights);
  if (all.defined()) {
    const at::Tensor factor = input_major ? all : all.t();
    if (add)
      product_add(y, x, factor);
    else
      product_out(y, x, factor);
    return;
  }
  int64_t column = 0;
  for (const at::Tensor& weight : weights) {
    product_out(y.narrow(1, column, weight.size(0)), x, weight.t());
    column += weight.size(0);
  }
}

// dx = dy W (or dy W').
at::Tensor input_gradient(const at::Tensor& dy, const std::vector<at::Tensor>& weights,
                          bool input_major) {
  if (input_major) return product(dy, weights[0].t());
  const at::Tensor all = adjacent(weights);
  if (all.defined()) return product(dy, all);
  at::Tensor dx;
  int64_t column = 0;
  for (const at::Tensor& weight : weights) {
    const at::Tensor part = dy.narrow(1, column, weight.size(0));
    if (dx.defined())
      product_add(dx, part, weight);
    else
      dx = product(part, weight);
    column += weight.size(0);
  }
  return dx;
}

// Gradient tensors that exist already and lie one after the other, or undefined.
at::Tensor adjacent_gradients(const std::vector<at::Tensor>& weights) {
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& weight : weights) {
    if (!weight.requires_grad() || !weight.is_leaf() || !weight.grad().defined()) return {};
    gradients.push_back(weight.grad());
  }
  return adjacent(gradients);
}

// The gradients of all weights, as backward returns them.
variable_list weight_gradients(const at::Tensor& x, const at::Tensor& dy,
                               const std::vector<at::Tensor>& weights, bool input_major) {
  if (!input_major) {
    at::Tensor all = adjacent_gradients(weights);
    if (all.defined()) {
      product_add(all, dy.t(), x);
      return variable_list(weights.size());
    }
  }
  variable_list result;
  int64_t column = 0;
  for (const at::Tensor& weight : weights) {
    const int64_t outputs = weight.size(input_major ? 1 : 0);
    const at::Tensor part = dy.narrow(1, column, outputs);
    GradientSink sink(weight);
    if (input_major)
      sink.add_product(x.t(), part);
    else
      sink.add_product(part.t(), x);
    result.push_back(sink.result());
    column += outputs;
  }
  return result;
}

struct LinearFunction : torch::autograd::Function<LinearFunction> {
  // weights, then biases (empty ones for none); residual empty for none.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& residual, at::TensorList parameters,
                            bool input_major) {
    const size_t parts = parameters.size() / 2;
    const std::vector<at::Tensor> weights(parameters.begin(), parameters.begin() + parts);
    const std::vector<at::Tensor> biases(parameters.begin() + parts, parameters.end());
    int64_t outputs = 0;
    for (const at::Tensor& weight : weights) outputs += weight.size(input_major ? 1 : 0);
    const bool add = residual.numel() > 0;
    at::Tensor y = add ? residual.clone() : at::empty({x.size(0), outputs}, x.options());
    multiply(x, weights, input_major, add, y);
    int64_t column = 0;
    for (size_t i = 0; i < parts; ++i) {
      const int64_t width = weights[i].size(input_major ? 1 : 0);
      if (biases[i].numel() > 0) y.narrow(1, column, width).add_(biases[i]);
      column += width;
    }
    variable_list saved = {x};
    saved.insert(saved.end(), parameters.begin(), parameters.end());
    context->save_for_backward(saved);
    context->saved_data["input_major"] = input_major;
    context->saved_data["residual"] = add;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const size_t parts = (saved.size() - 1) / 2;
    const std::vector<at::Tensor> weights(saved.begin() + 1, saved.begin() + 1 + parts);
    const std::vector<at::Tensor> biases(saved.begin() + 1 + parts, saved.end());
    const bool input_major = context->saved_data["input_major"].toBool();
    const at::Tensor dy = gradients[0].contiguous();
    variable_list result;
    result.push_back(context->needs_input_grad(0) ? input_gradient(dy, weights, input_major)
                                                  : at::Tensor());
    result.push_back(context->saved_data["residual"].toBool() ? dy : at::Tensor());
    for (at::Tensor& gradient : weight_gradients(x, dy, weights, input_major))
      result.push_back(std::move(gradient));
    int64_t column = 0;
    for (size_t i = 0; i < parts; ++i) {
      const int64_t width = weights[i].size(input_major ? 1 : 0);
      GradientSink sink(biases[i].numel() > 0 ? biases[i] : at::Tensor());
      sink.add_column_sums(dy.narrow(1, column, width));
      result.push_back(sink.result());
      column += width;
    }
    result.emplace_back();
    return result;
  }
};

// x, or a copy with the dropped elements 0 and the others divided by the share that is kept.
at::Tensor dropped(const at::Tensor& x, const std::vector<int64_t>& keys, int64_t part,
                   double rate) {
  if (keys.empty()) return x;
  const at::Tensor y = at::empty_like(x, x.options().requires_grad(false));
  const int64_t n = x.size(1);
  const auto threshold = static_cast<uint32_t>(rate * 0x1.0p32);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "dropout", [&] {
    const auto scale = static_cast<scalar_t>(1 / (1 - rate));
    parallel_ranges(x.size(0), kDropoutRows, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        transformer_kernels<scalar_t>().dropout(
            x.data_ptr<scalar_t>() + i * n, y.data_ptr<scalar_t>() + i * n, n,
            static_cast<uint64_t>(keys[i] + part), threshold, scale);
    });
  });
  return y;
}

// Adds one adapter's output to columns of y, in place.
struct AdapterFunction : torch::autograd::Function<AdapterFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& y, const at::Tensor& x,
                            const at::Tensor& a, const at::Tensor& b, int64_t column, double scale,
                            const std::vector<int64_t>& keys, int64_t part, double rate) {
    const at::Tensor low = product(dropped(x, keys, part, rate), a.t());
    product_add(y.narrow(1, column, b.size(0)), low * scale, b.t());
    if (!y.is_inference()) context->mark_dirty({y});  // inference tensors have no version
    context->save_for_backward({x, a, b});
    context->saved_data["low"] = low;
    context->saved_data["column"] = column;
    context->saved_data["scale"] = scale;
    context->saved_data["keys"] = keys;
    context->saved_data["part"] = part;
    context->saved_data["rate"] = rate;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &a = saved[1], &b = saved[2];
    const at::Tensor low = context->saved_data["low"].toTensor();
    const std::vector<int64_t> keys = context->saved_data["keys"].toIntVector();
    const int64_t part = context->saved_data["part"].toInt();
    const double rate = context->saved_data["rate"].toDouble();
    const at::Tensor dy = gradients[0].narrow(1, context->saved_data["column"].toInt(), b.size(0));
    const double scale = context->saved_data["scale"].toDouble();
    const at::Tensor d_low = product(dy, b).mul_(scale);
    GradientSink a_sink(a);
    GradientSink b_sink(b);
    a_sink.add_product(d_low.t(), dropped(x, keys, part, rate));
    if (b_sink.active()) b_sink.add_product(dy.t(), low * scale);
    at::Tensor dx;
    if (context->needs_input_grad(1)) dx = dropped(product(d_low, a), keys, part, rate);
    return {gradients[0], dx, a_sink.result(), b_sink.result(), {}, {}, {}, {}, {}};
  }
};

}  // namespace

int64_t LinearGroup::inputs() const { return parts[0].weight.size(input_major ? 0 : 1); }

int64_t LinearGroup::outputs(size_t part) const {
  return parts[part].weight.size(input_major ? 1 : 0);
}

int64_t LinearGroup::outputs() const {
  int64_t total = 0;
  for (size_t i = 0; i < parts.size(); ++i) total += outputs(i);
  return total;
}

at::Tensor linear(const at::Tensor& x, const LinearGroup& group, double adapter_scale,
                  const AdapterDropout& dropout, const at::Tensor& residual) {
  PG_CHECK(group.parts.size() == 1 || (!residual.defined() && !group.input_major),
           "several parts with a residual or of input-major weights");
  const at::Tensor none = at::empty({0}, x.options().requires_grad(false));
  std::vector<at::Tensor> parameters;
  for (const Linear& part : group.parts) parameters.push_back(part.weight);
  for (const Linear& part : group.parts)
    parameters.push_back(part.bias.defined() ? part.bias : none);
  at::Tensor y = LinearFunction::apply(x, residual.defined() ? residual : none,
                                       at::TensorList(parameters), group.input_major);
  int64_t column = 0;
  for (size_t i = 0; i < group.parts.size(); ++i) {
    const Linear& part = group.parts[i];
    if (part.lora_a.defined())
      y = AdapterFunction::apply(y, x, part.lora_a, part.lora_b, column, adapter_scale,
                                 dropout.keys, static_cast<int64_t>(i), dropout.rate);
    column += group.outputs(i);
  }
  return y;
}

at::Tensor merged_weight(const Linear& part, bool input_major, double adapter_scale) {
  const at::NoGradGuard guard;
  if (!part.lora_a.defined()) return part.weight.detach();
  return input_major ? at::addmm(part.weight, part.lora_a.t(), part.lora_b.t(), 1, adapter_scale)
                     : at::addmm(part.weight, part.lora_b, part.lora_a, 1, adapter_scale);
}

LinearGroup fused(const LinearGroup& group, double adapter_scale) {
  const at::NoGradGuard guard;
  std::vector<at::Tensor> weights;
  bool has_bias = false;
  for (const Linear& part : group.parts) {
    weights.push_back(merged_weight(part, group.input_major, adapter_scale));
    has_bias = has_bias || part.bias.defined();
  }
  Linear whole;
  whole.weight = adjacent(weights);
  if (!whole.weight.defined()) whole.weight = at::cat(weights);
  if (has_bias && group.parts.size() == 1) {
    whole.bias = group.parts[0].bias.detach();
  } else if (has_bias) {
    whole.bias = at::zeros({group.outputs()}, whole.weight.options());
    int64_t column = 0;
    for (size_t i = 0; i < group.parts.size(); ++i) {
      if (group.parts[i].bias.defined())
        whole.bias.narrow(0, column, group.outputs(i)).copy_(group.parts[i].bias);
      column += group.outputs(i);
    }
  }
  return {{whole}, group.input_major};
}

}  // namespace pgtrain
