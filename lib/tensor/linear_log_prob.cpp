#include "tensor/linear_log_prob.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "tensor/gradient_sink.h"
#include "tensor/row_kernels.h"

namespace pgtrain {
namespace {

constexpr int64_t kBlockRows = 256;

at::Tensor logits_of(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& bias) {
  return bias.numel() > 0 ? at::addmm(bias, hidden, weight.t()) : at::mm(hidden, weight.t());
}

template <class T>
void forward_rows(const at::Tensor& logits, const int64_t* ids, T scale, T* log_prob, T* entropy,
                  T* log_sum_exp) {
  const auto& kernels = row_kernels<T>();
  const int64_t vocabulary = logits.size(1);
  for (int64_t row = 0; row < logits.size(0); ++row) {
    const T* x = logits.data_ptr<T>() + row * vocabulary;
    const T shift = scale * kernels.max(x, vocabulary);
    double sum_exp = 0;
    double sum_y_exp = 0;
    kernels.softmax_sums(x, vocabulary, scale, shift, &sum_exp, &sum_y_exp);
    const double log_sum = std::log(sum_exp);
    log_sum_exp[row] = static_cast<T>(log_sum + static_cast<double>(shift));
    log_prob[row] = static_cast<T>(static_cast<double>(scale * x[ids[row]] - shift) - log_sum);
    entropy[row] = static_cast<T>(log_sum - sum_y_exp / sum_exp);
  }
}

// Turns the logits of one block into their gradient, in place.
template <class T>
void backward_rows(const at::Tensor& logits, const int64_t* ids, T scale, const T* log_sum_exp,
                   const T* entropy, const T* d_log_prob, const T* d_entropy) {
  const auto& kernels = row_kernels<T>();
  const int64_t vocabulary = logits.size(1);
  for (int64_t row = 0; row < logits.size(0); ++row) {
    T* x = logits.data_ptr<T>() + row * vocabulary;
    kernels.log_prob_gradient(x, vocabulary, scale, log_sum_exp[row], d_log_prob[row],
                              d_entropy[row], entropy[row]);
    x[ids[row]] += scale * d_log_prob[row];
  }
}

struct LinearLogProb : torch::autograd::Function<LinearLogProb> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const at::Tensor& hidden, const at::Tensor& weight,
                                                const at::Tensor& bias, const at::Tensor& ids,
                                                double scale, int64_t keep_bytes) {
    const int64_t rows = hidden.size(0);
    const int64_t vocabulary = weight.size(0);
    at::Tensor log_prob = at::empty({rows}, hidden.options());
    at::Tensor entropy = at::empty({rows}, hidden.options());
    at::Tensor log_sum_exp = at::empty({rows}, hidden.options());
    const bool keep = rows * vocabulary * static_cast<int64_t>(hidden.element_size()) <= keep_bytes;
    std::vector<at::Tensor> kept;
    for (int64_t start = 0; start < rows; start += kBlockRows) {
      const int64_t count = std::min(kBlockRows, rows - start);
      const at::Tensor logits = logits_of(hidden.narrow(0, start, count), weight, bias);
      AT_DISPATCH_FLOATING_TYPES(hidden.scalar_type(), "linear_log_prob", [&] {
        forward_rows<scalar_t>(logits, ids.data_ptr<int64_t>() + start,
                               static_cast<scalar_t>(scale), log_prob.data_ptr<scalar_t>() + start,
                               entropy.data_ptr<scalar_t>() + start,
                               log_sum_exp.data_ptr<scalar_t>() + start);
      });
      if (keep) kept.push_back(logits);
    }
    context->save_for_backward({hidden, weight, bias, ids, entropy, log_sum_exp});
    // Saved by value: they are neither inputs nor outputs, and backward consumes them.
    context->saved_data["kept"] = kept;
    context->saved_data["scale"] = scale;
    return {log_prob, entropy};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &hidden = saved[0], &weight = saved[1], &bias = saved[2], &ids = saved[3],
                     &entropy = saved[4], &log_sum_exp = saved[5];
    const double scale = context->saved_data["scale"].toDouble();
    auto kept = context->saved_data["kept"].toTensorVector();
    context->saved_data.erase("kept");
    const int64_t rows = hidden.size(0);
    const at::Tensor zeros = at::zeros({rows}, hidden.options());
    const at::Tensor d_log_prob = gradients[0].defined() ? gradients[0].contiguous() : zeros;
    const at::Tensor d_entropy = gradients[1].defined() ? gradients[1].contiguous() : zeros;

    at::Tensor d_hidden = at::empty_like(hidden);
    GradientSink d_weight(weight);
    GradientSink d_bias(bias);
    for (int64_t start = 0, block = 0; start < rows; start += kBlockRows, ++block) {
      const int64_t count = std::min(kBlockRows, rows - start);
      const at::Tensor block_hidden = hidden.narrow(0, start, count);
      at::Tensor d_logits =
          kept.empty() ? logits_of(block_hidden, weight, bias) : std::move(kept[block]);
      AT_DISPATCH_FLOATING_TYPES(hidden.scalar_type(), "linear_log_prob_backward", [&] {
        backward_rows<scalar_t>(
            d_logits, ids.data_ptr<int64_t>() + start, static_cast<scalar_t>(scale),
            log_sum_exp.data_ptr<scalar_t>() + start, entropy.data_ptr<scalar_t>() + start,
            d_log_prob.data_ptr<scalar_t>() + start, d_entropy.data_ptr<scalar_t>() + start);
      });
      at::Tensor d_block = d_hidden.narrow(0, start, count);
      at::mm_out(d_block, d_logits, weight);
      d_weight.add_product(d_logits.t(), block_hidden);
      d_bias.add_column_sums(d_logits);
    }
    return {d_hidden, d_weight.result(), d_bias.result(), {}, {}, {}};
  }
};

}  // namespace

LogProbs linear_log_prob(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& bias,
                         const at::Tensor& ids, double scale, int64_t keep_bytes) {
  PG_CHECK(hidden.dim() == 2 && weight.dim() == 2 && hidden.size(1) == weight.size(1),
           "hidden and weight do not match");
  PG_CHECK(ids.dim() == 1 && ids.size(0) == hidden.size(0) && ids.scalar_type() == at::kLong,
           "one int64 id a row");
  PG_CHECK(!bias.defined() || (bias.dim() == 1 && bias.size(0) == weight.size(0)),
           "one bias a vocabulary entry");
  const int64_t* id = ids.data_ptr<int64_t>();
  for (int64_t i = 0; i < ids.numel(); ++i)
    PG_CHECK(id[i] >= 0 && id[i] < weight.size(0), "id {} in row {}, vocabulary {}", id[i], i,
             weight.size(0));
  const bool differentiate =
      at::GradMode::is_enabled() && (hidden.requires_grad() || weight.requires_grad());
  // Autograd functions take no undefined inputs in older versions: an empty bias stands for none.
  const at::Tensor some_bias =
      bias.defined() ? bias : at::empty({0}, hidden.options().requires_grad(false));
  const auto results =
      LinearLogProb::apply(hidden.contiguous(), weight, some_bias, ids.contiguous(), scale,
                           differentiate ? keep_bytes : 0);
  return {results[0], results[1]};
}

}  // namespace pgtrain
