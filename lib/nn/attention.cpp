#include "nn/attention.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "nn/attention_passes.h"
#include "tensor/gradient_sink.h"
#include "tensor/transformer_kernels.h"

namespace pgtrain {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class T>
const T* angles_of(const AttentionPlan& plan, int64_t position) {
  return plan.table.defined() ? plan.table.data_ptr<T>() + position * plan.table.size(1) : nullptr;
}

// Normed and rotated copies of the queries and keys; qkv itself where nothing is to do.
template <class T>
void prepare_rows(const AttentionPlan& plan, const at::Tensor& qkv, const HeadNorms& norms,
                  AttentionResult& result) {
  result.heads = qkv;
  if (!plan.table.defined() && !norms.query.defined()) return;
  const HeadShape& shape = plan.shape;
  const int64_t columns = shape.rotated_columns();
  const int64_t heads = shape.query_heads + shape.kv_heads;
  result.heads = at::empty({qkv.size(0), columns}, qkv.options().requires_grad(false));
  if (norms.query.defined())
    result.inverse = at::empty({qkv.size(0), heads}, result.heads.options());
  for_each_row(plan.groups, [&](int64_t row, int64_t position) {
    T* out = result.heads.data_ptr<T>() + row * columns;
    std::copy_n(qkv.data_ptr<T>() + row * shape.columns(), columns, out);
    prepare_heads<T>(
        shape, norms, static_cast<T>(plan.norm_epsilon), angles_of<T>(plan, position), out,
        result.inverse.defined() ? result.inverse.data_ptr<T>() + row * heads : nullptr);
  });
}

// Turns the gradient of the prepared queries and keys in d_qkv into that of the raw ones.
template <class T>
void prepare_gradient(const AttentionPlan& plan, const at::Tensor& qkv, const HeadNorms& norms,
                      const at::Tensor& inverse, const at::Tensor& d_qkv, T* d_query_norm,
                      T* d_key_norm) {
  const HeadShape& shape = plan.shape;
  const auto& kernels = transformer_kernels<T>();
  const int64_t heads = shape.query_heads + shape.kv_heads;
  for_each_row(plan.groups, [&](int64_t row, int64_t position) {
    T* gradient = d_qkv.data_ptr<T>() + row * shape.columns();
    const T* raw = qkv.data_ptr<T>() + row * shape.columns();
    if (const T* angles = angles_of<T>(plan, position))
      kernels.rotate(gradient, angles, angles + shape.size / 2, heads, shape.size / 2, T(-1));
    if (!norms.query.defined()) return;
    for (int64_t head = 0; head < heads; ++head) {
      const bool is_query = head < shape.query_heads;
      T* d_head = gradient + head * shape.size;
      kernels.rms_norm_gradient(raw + head * shape.size,
                                (is_query ? norms.query : norms.key).data_ptr<T>(), d_head,
                                inverse.data_ptr<T>()[row * heads + head], d_head,
                                is_query ? d_query_norm : d_key_norm, shape.size);
    }
  });
}

struct PlanHolder : torch::CustomClassHolder {
  std::shared_ptr<const AttentionPlan> plan;
};

HeadNorms norms_of(const at::Tensor& query, const at::Tensor& key) {
  return query.numel() > 0 ? HeadNorms{query, key} : HeadNorms{};
}

struct CausalAttention : torch::autograd::Function<CausalAttention> {
  // query_norm, key_norm: empty for none.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& qkv,
                            const at::Tensor& query_norm, const at::Tensor& key_norm,
                            const c10::intrusive_ptr<PlanHolder>& holder) {
    const AttentionResult result =
        attention_forward(*holder->plan, qkv, norms_of(query_norm, key_norm));
    context->save_for_backward({qkv, query_norm, key_norm, result.output});
    if (result.heads.data_ptr() != qkv.data_ptr()) context->saved_data["heads"] = result.heads;
    if (result.inverse.defined()) context->saved_data["inverse"] = result.inverse;
    context->saved_data["log_sum_exp"] = result.log_sum_exp;
    context->saved_data["plan"] = c10::IValue::make_capsule(holder);
    return result.output;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor& qkv = saved[0];
    const HeadNorms norms = norms_of(saved[1], saved[2]);
    auto& data = context->saved_data;
    AttentionResult result;
    result.output = saved[3];
    result.heads = data.count("heads") > 0 ? data["heads"].toTensor() : qkv;
    if (data.count("inverse") > 0) result.inverse = data["inverse"].toTensor();
    result.log_sum_exp = data["log_sum_exp"].toTensor();
    const auto capsule = data["plan"].toCapsule();
    const AttentionPlan& plan = *static_cast<const PlanHolder&>(*capsule).plan;
    const at::Tensor d_output = gradients[0].contiguous();
    const at::Tensor d_qkv = at::zeros_like(qkv, qkv.options().requires_grad(false));
    GradientSink query_sink(norms.query);
    GradientSink key_sink(norms.key);
    const at::Tensor d_norms = at::zeros({2, plan.shape.size}, d_qkv.options());
    AT_DISPATCH_FLOATING_TYPES(qkv.scalar_type(), "causal_attention_backward", [&] {
      attention_backward_pass<scalar_t>(plan, qkv, result, d_output, d_qkv);
      scalar_t* sums = d_norms.data_ptr<scalar_t>();
      prepare_gradient<scalar_t>(plan, qkv, norms, result.inverse, d_qkv, sums,
                                 sums + plan.shape.size);
    });
    query_sink.add(d_norms[0]);
    key_sink.add(d_norms[1]);
    return {d_qkv, query_sink.result(), key_sink.result(), {}};
  }
};

}  // namespace

double AttentionPlan::scale() const { return 1.0 / std::sqrt(static_cast<double>(shape.size)); }

template <class T>
void prepare_heads(const HeadShape& shape, const HeadNorms& norms, T epsilon, const T* angles,
                   T* row, T* inverses) {
  const auto& kernels = transformer_kernels<T>();
  const int64_t heads = shape.query_heads + shape.kv_heads;
  if (norms.query.defined()) {
    for (int64_t head = 0; head < heads; ++head) {
      const at::Tensor& weight = head < shape.query_heads ? norms.query : norms.key;
      T* values = row + head * shape.size;
      const T inverse = kernels.rms_norm(values, weight.data_ptr<T>(), values, shape.size, epsilon);
      if (inverses != nullptr) inverses[head] = inverse;
    }
  }
  if (angles != nullptr)
    kernels.rotate(row, angles, angles + shape.size / 2, heads, shape.size / 2, T(1));
}
template void prepare_heads<float>(const HeadShape&, const HeadNorms&, float, const float*, float*,
                                   float*);
template void prepare_heads<double>(const HeadShape&, const HeadNorms&, double, const double*,
                                    double*, double*);

AttentionResult attention_forward(const AttentionPlan& plan, const at::Tensor& qkv,
                                  const HeadNorms& norms) {
  PG_CHECK(!plan.groups.empty(), "no texts");
  for (const RowGroup& group : plan.groups)
    PG_CHECK(group.trunk >= 1 && group.first >= 0 && group.first <= group.trunk,
             "{} rows, results from row {}", group.trunk, group.first);
  PG_CHECK(qkv.dim() == 2 && qkv.size(0) == row_count(plan.groups) &&
               qkv.size(1) == plan.shape.columns() && qkv.is_contiguous(),
           "queries, keys and values do not match the plan");
  AttentionResult result;
  const auto plain = qkv.options().requires_grad(false);
  result.output = at::empty({result_count(plan.groups), plan.shape.query_columns()}, plain);
  result.log_sum_exp = at::empty({qkv.size(0), plan.shape.query_heads}, plain);
  AT_DISPATCH_FLOATING_TYPES(qkv.scalar_type(), "causal_attention", [&] {
    prepare_rows<scalar_t>(plan, qkv, norms, result);
    attention_forward_pass<scalar_t>(plan, qkv, result);
  });
  return result;
}

at::Tensor causal_attention(const std::shared_ptr<const AttentionPlan>& plan, const at::Tensor& qkv,
                            const HeadNorms& norms) {
  const auto holder = c10::make_intrusive<PlanHolder>();
  holder->plan = plan;
  const at::Tensor none = at::empty({0}, qkv.options().requires_grad(false));
  return CausalAttention::apply(qkv.contiguous(), norms.query.defined() ? norms.query : none,
                                norms.key.defined() ? norms.key : none, holder);
}

}  // namespace pgtrain
