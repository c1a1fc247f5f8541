#include "nn/attention.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "tensor/gradient_sink.h"
#include "tensor/row_kernels.h"
#include "tensor/transformer_kernels.h"

namespace pgtrain {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kBlockQueries = 32;

// One sequence of a call.
struct Span {
  int64_t start;   // its first row
  int64_t length;  // rows
  int64_t first;   // first row with a result, within the sequence
  int64_t result;  // row of that result
};

std::vector<Span> spans_of(const AttentionPlan& plan) {
  std::vector<Span> spans;
  int64_t start = 0;
  int64_t result = 0;
  for (size_t i = 0; i < plan.lengths.size(); ++i) {
    spans.push_back({start, plan.lengths[i], plan.first[i], result});
    start += plan.lengths[i];
    result += plan.lengths[i] - plan.first[i];
  }
  return spans;
}

// Queries [begin, end) of a sequence and the keys [key_begin, end) that they see together.
struct Block {
  int64_t begin, end, key_begin;
  int64_t queries() const { return end - begin; }
  int64_t keys() const { return end - key_begin; }
};

int64_t first_key(int64_t window, int64_t query) {
  return window > 0 ? std::max<int64_t>(0, query - window + 1) : 0;
}

template <class F>
void for_each_block(const Span& span, int64_t window, const F& f) {
  for (int64_t begin = span.first; begin < span.length; begin += kBlockQueries)
    f(Block{begin, std::min(begin + kBlockQueries, span.length), first_key(window, begin)});
}

// Pointers and strides of queries, keys and values (or their gradients), and scratch of one call.
template <class T>
class Attention {
 public:
  Attention(const AttentionPlan& plan, const at::Tensor& heads, const at::Tensor& qkv)
      : plan_(plan),
        shape_(plan.shape),
        scale_(static_cast<T>(plan.scale())),
        heads_(heads.data_ptr<T>()),
        head_stride_(heads.size(1)),
        qkv_(qkv.data_ptr<T>()),
        longest_(*std::max_element(plan.lengths.begin(), plan.lengths.end())),
        keys_t_(shape_.size * longest_),
        p_(kBlockQueries * longest_) {}

  void forward(const at::Tensor& output, const at::Tensor& log_sum_exp) {
    for (const Span& span : spans_of(plan_)) {
      if (span.first == span.length) continue;
      for (int64_t kv = 0; kv < shape_.kv_heads; ++kv) {
        transpose(key(span, kv), head_stride_, span.length, keys_t_);
        for (int64_t head = kv * shape_.group(); head < (kv + 1) * shape_.group(); ++head)
          for_each_block(span, plan_.window, [&](const Block& block) {
            forward_block(span, block, head, output.data_ptr<T>(), log_sum_exp.data_ptr<T>());
          });
      }
    }
  }

  // d_output: gradient of the results. d_qkv: zeros in, gradient of the prepared queries and keys
  // and of the values out.
  void backward(const at::Tensor& output, const at::Tensor& log_sum_exp, const at::Tensor& d_output,
                const at::Tensor& d_qkv) {
    values_t_.resize(keys_t_.size());
    dp_.resize(p_.size());
    for (const Span& span : spans_of(plan_)) {
      if (span.first == span.length) continue;
      for (int64_t kv = 0; kv < shape_.kv_heads; ++kv) {
        transpose(key(span, kv), head_stride_, span.length, keys_t_);
        transpose(value(span, kv), shape_.columns(), span.length, values_t_);
        for (int64_t head = kv * shape_.group(); head < (kv + 1) * shape_.group(); ++head)
          for_each_block(span, plan_.window, [&](const Block& block) {
            backward_block(span, block, head, output.data_ptr<T>(), log_sum_exp.data_ptr<T>(),
                           d_output.data_ptr<T>(), d_qkv.data_ptr<T>());
          });
      }
    }
  }

 private:
  const T* query(const Span& span, int64_t row, int64_t head) const {
    return heads_ + (span.start + row) * head_stride_ + head * shape_.size;
  }
  const T* key(const Span& span, int64_t kv) const {
    return heads_ + span.start * head_stride_ + (shape_.query_heads + kv) * shape_.size;
  }
  const T* value(const Span& span, int64_t kv) const {
    return qkv_ + span.start * shape_.columns() + value_column(kv);
  }
  int64_t value_column(int64_t kv) const { return shape_.rotated_columns() + kv * shape_.size; }
  int64_t result_offset(const Span& span, int64_t row, int64_t head) const {
    return (span.result + row - span.first) * shape_.query_columns() + head * shape_.size;
  }

  // out [size, longest] <- rows [length, size]
  void transpose(const T* rows, int64_t stride, int64_t length, std::vector<T>& out) const {
    for (int64_t t = 0; t < length; ++t)
      for (int64_t c = 0; c < shape_.size; ++c) out[c * longest_ + t] = rows[t * stride + c];
  }

  // p [queries, longest] <- queries times the transposed keys of the block.
  void multiply_keys(const T* queries, int64_t stride, const std::vector<T>& transposed,
                     const Block& block, std::vector<T>& p) const {
    transformer_kernels<T>().small_product({queries, stride, 1, transposed.data() + block.key_begin,
                                            longest_, p.data(), longest_, block.queries(),
                                            block.keys(), shape_.size, false});
  }

  // The part of row i of p that its query sees. The rest of the block's keys is set to 0.
  struct Seen {
    T* p;
    int64_t count;
  };
  Seen seen(const Block& block, int64_t i, std::vector<T>& p) const {
    T* row = p.data() + i * longest_;
    const int64_t from = first_key(plan_.window, block.begin + i) - block.key_begin;
    const int64_t end = block.begin + i + 1 - block.key_begin;
    std::fill_n(row, from, T(0));
    std::fill(row + end, row + block.keys(), T(0));
    return {row + from, end - from};
  }

  void forward_block(const Span& span, const Block& block, int64_t head, T* output,
                     T* log_sum_exp) {
    const auto& kernels = row_kernels<T>();
    multiply_keys(query(span, block.begin, head), head_stride_, keys_t_, block, p_);
    T factors[kBlockQueries];
    for (int64_t i = 0; i < block.queries(); ++i) {
      const Seen row = seen(block, i, p_);
      const T shift = scale_ * kernels.max(row.p, row.count);
      const double sum = kernels.exp_in_place(row.p, row.count, scale_, shift);
      factors[i] = static_cast<T>(1 / sum);
      log_sum_exp[(span.start + block.begin + i) * shape_.query_heads + head] =
          shift + static_cast<T>(std::log(sum));
    }
    const int64_t kv = head / shape_.group();
    T* out = output + result_offset(span, block.begin, head);
    transformer_kernels<T>().small_product({p_.data(), longest_, 1,
                                            value(span, kv) + block.key_begin * shape_.columns(),
                                            shape_.columns(), out, shape_.query_columns(),
                                            block.queries(), shape_.size, block.keys(), false});
    for (int64_t i = 0; i < block.queries(); ++i)
      for (int64_t c = 0; c < shape_.size; ++c) out[i * shape_.query_columns() + c] *= factors[i];
  }

  // With P the probabilities and G the gradient of the output: dV = P' G, dP = G V',
  // dS = scale P (dP - rowsum(G * output)), dQ = dS K, dK = dS' Q.
  void backward_block(const Span& span, const Block& block, int64_t head, const T* output,
                      const T* log_sum_exp, const T* d_output, T* d_qkv) {
    const auto& kernels = transformer_kernels<T>();
    const int64_t kv = head / shape_.group();
    const int64_t columns = shape_.columns();
    const T* q = query(span, block.begin, head);
    const T* g = d_output + result_offset(span, block.begin, head);
    const T* o = output + result_offset(span, block.begin, head);
    multiply_keys(q, head_stride_, keys_t_, block, p_);
    multiply_keys(g, shape_.query_columns(), values_t_, block, dp_);
    for (int64_t i = 0; i < block.queries(); ++i) {
      const Seen row = seen(block, i, p_);
      const Seen d_row = seen(block, i, dp_);
      row_kernels<T>().exp_in_place(
          row.p, row.count, scale_,
          log_sum_exp[(span.start + block.begin + i) * shape_.query_heads + head]);
      T sum = 0;
      for (int64_t c = 0; c < shape_.size; ++c)
        sum += g[i * shape_.query_columns() + c] * o[i * shape_.query_columns() + c];
      kernels.softmax_gradient(row.p, d_row.p, row.count, sum, scale_);
    }
    T* d_query = d_qkv + (span.start + block.begin) * columns + head * shape_.size;
    T* d_keys = d_qkv + (span.start + block.key_begin) * columns;
    T* d_key = d_keys + (shape_.query_heads + kv) * shape_.size;
    T* d_value = d_keys + value_column(kv);
    const T* k = key(span, kv) + block.key_begin * head_stride_;
    kernels.small_product({dp_.data(), longest_, 1, k, head_stride_, d_query, columns,
                           block.queries(), shape_.size, block.keys(), false});
    kernels.small_product({dp_.data(), 1, longest_, q, head_stride_, d_key, columns, block.keys(),
                           shape_.size, block.queries(), true});
    kernels.small_product({p_.data(), 1, longest_, g, shape_.query_columns(), d_value, columns,
                           block.keys(), shape_.size, block.queries(), true});
  }

  const AttentionPlan& plan_;
  HeadShape shape_;
  T scale_;
  const T* heads_;
  int64_t head_stride_;
  const T* qkv_;
  int64_t longest_;
  std::vector<T> keys_t_;    // [size, longest]
  std::vector<T> values_t_;  // [size, longest]
  std::vector<T> p_;         // [kBlockQueries, longest]
  std::vector<T> dp_;
};

template <class F>
void for_each_row(const AttentionPlan& plan, const F& f) {
  int64_t row = 0;
  for (const int64_t length : plan.lengths)
    for (int64_t position = 0; position < length; ++position) f(row++, position);
}

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
  for_each_row(plan, [&](int64_t row, int64_t position) {
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
  for_each_row(plan, [&](int64_t row, int64_t position) {
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
    const at::Tensor &qkv = saved[0], &output = saved[3];
    const HeadNorms norms = norms_of(saved[1], saved[2]);
    auto& data = context->saved_data;
    const at::Tensor heads = data.count("heads") > 0 ? data["heads"].toTensor() : qkv;
    const at::Tensor inverse =
        data.count("inverse") > 0 ? data["inverse"].toTensor() : at::Tensor();
    const at::Tensor log_sum_exp = data["log_sum_exp"].toTensor();
    const auto capsule = data["plan"].toCapsule();
    const AttentionPlan& plan = *static_cast<const PlanHolder&>(*capsule).plan;
    const at::Tensor d_output = gradients[0].contiguous();
    const at::Tensor d_qkv = at::zeros_like(qkv, qkv.options().requires_grad(false));
    GradientSink query_sink(norms.query);
    GradientSink key_sink(norms.key);
    const at::Tensor d_norms = at::zeros({2, plan.shape.size}, d_qkv.options());
    AT_DISPATCH_FLOATING_TYPES(qkv.scalar_type(), "causal_attention_backward", [&] {
      Attention<scalar_t>(plan, heads, qkv).backward(output, log_sum_exp, d_output, d_qkv);
      scalar_t* sums = d_norms.data_ptr<scalar_t>();
      prepare_gradient<scalar_t>(plan, qkv, norms, inverse, d_qkv, sums, sums + plan.shape.size);
    });
    query_sink.add(d_norms[0]);
    key_sink.add(d_norms[1]);
    return {d_qkv, query_sink.result(), key_sink.result(), {}};
  }
};

}  // namespace

double AttentionPlan::scale() const { return 1.0 / std::sqrt(static_cast<double>(shape.size)); }

int64_t AttentionPlan::rows() const {
  return std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
}

int64_t AttentionPlan::result_rows() const {
  return rows() - std::accumulate(first.begin(), first.end(), int64_t{0});
}

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
  PG_CHECK(!plan.lengths.empty() && plan.lengths.size() == plan.first.size(),
           "{} lengths, {} first rows", plan.lengths.size(), plan.first.size());
  PG_CHECK(qkv.dim() == 2 && qkv.size(0) == plan.rows() && qkv.size(1) == plan.shape.columns() &&
               qkv.is_contiguous(),
           "queries, keys and values do not match the plan");
  AttentionResult result;
  const auto plain = qkv.options().requires_grad(false);
  result.output = at::empty({plan.result_rows(), plan.shape.query_columns()}, plain);
  result.log_sum_exp = at::empty({qkv.size(0), plan.shape.query_heads}, plain);
  AT_DISPATCH_FLOATING_TYPES(qkv.scalar_type(), "causal_attention", [&] {
    prepare_rows<scalar_t>(plan, qkv, norms, result);
    Attention<scalar_t>(plan, result.heads, qkv).forward(result.output, result.log_sum_exp);
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
