#include "tensor/linear_log_prob.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/parallel.h"
#include "tensor/block_product.h"
#include "tensor/gradient_sink.h"
#include "tensor/row_kernels.h"

namespace pgtrain {
namespace {

// Rows of a block, of at most 32 MB where that leaves it enough rows: above that, memory comes from
// the system anew each time.
int64_t block_rows(int64_t vocabulary) {
  return std::clamp<int64_t>(((int64_t{8} << 20) - 1) / vocabulary / 32 * 32, 64, 256);
}

constexpr int64_t kBlockValues = 1 << 15;  // logits that one thread takes at a time

at::Tensor logits_of(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor logits =
      at::empty({hidden.size(0), weight.size(0)}, hidden.options().requires_grad(false));
  product_out(logits, hidden, weight.t(), bias);
  return logits;
}

// Which ids count in each row of a call; part of the autograd graph.
struct KeptRows : torch::CustomClassHolder {
  std::vector<const IdSet*> sets;  // empty = all ids in every row

  // The set of a row, or null when all its ids count.
  const IdSet* row(int64_t i) const {
    const IdSet* set = sets.empty() ? nullptr : sets[i];
    return set == nullptr || set->is_all() ? nullptr : set;
  }
};

// The counted logits of one row side by side, and where they come from.
template <class T>
struct Compacted {
  std::vector<int32_t> ids;
  std::vector<T> values;
  int64_t chosen = 0;  // index of the chosen id among them

  void gather(const T* x, const IdSet& set, int64_t chosen_id) {
    set.list(ids);
    values.resize(ids.size());
    for (size_t i = 0; i < ids.size(); ++i) values[i] = x[ids[i]];
    chosen = std::lower_bound(ids.begin(), ids.end(), chosen_id) - ids.begin();
  }
};

struct RowSums {
  double log_prob, entropy, log_sum_exp;
};

template <class T>
RowSums forward_row(const T* x, int64_t n, int64_t chosen, T scale) {
  const auto& kernels = row_kernels<T>();
  const T shift = scale * kernels.max(x, n);
  double sum_exp = 0;
  double sum_y_exp = 0;
  kernels.softmax_sums(x, n, scale, shift, &sum_exp, &sum_y_exp);
  const double log_sum = std::log(sum_exp);
  return {static_cast<double>(scale * x[chosen] - shift) - log_sum, log_sum - sum_y_exp / sum_exp,
          log_sum + static_cast<double>(shift)};
}

template <class T>
void backward_row(T* x, int64_t n, int64_t chosen, T scale, T log_sum_exp, T entropy, T d_log_prob,
                  T d_entropy) {
  row_kernels<T>().log_prob_gradient(x, n, scale, log_sum_exp, d_log_prob, d_entropy, entropy);
  x[chosen] += scale * d_log_prob;
}

// f(i, scratch) for every row i of the logits, several at a time.
template <class T, class F>
void for_each_row(const at::Tensor& logits, const F& f) {
  parallel_ranges(logits.size(0), std::max<int64_t>(1, kBlockValues / logits.size(1)),
                  [&](int64_t begin, int64_t end) {
                    Compacted<T> scratch;
                    for (int64_t i = begin; i < end; ++i) f(i, scratch);
                  });
}

// Rows start.. of the call; the pointers are to the values of its first row.
template <class T>
void forward_rows(const at::Tensor& logits, int64_t start, const KeptRows& kept, const int64_t* ids,
                  T scale, T* log_prob, T* entropy, T* log_sum_exp) {
  const int64_t vocabulary = logits.size(1);
  for_each_row<T>(logits, [&](int64_t i, Compacted<T>& compact) {
    const int64_t row = start + i;
    const T* x = logits.data_ptr<T>() + i * vocabulary;
    const IdSet* set = kept.row(row);
    if (set != nullptr) compact.gather(x, *set, ids[row]);
    const RowSums sums =
        set == nullptr ? forward_row(x, vocabulary, ids[row], scale)
                       : forward_row(compact.values.data(), set->size(), compact.chosen, scale);
    log_prob[row] = static_cast<T>(sums.log_prob);
    entropy[row] = static_cast<T>(sums.entropy);
    log_sum_exp[row] = static_cast<T>(sums.log_sum_exp);
  });
}

// Turns the logits of one block into their gradient, in place.
template <class T>
void backward_rows(const at::Tensor& logits, int64_t start, const KeptRows& kept,
                   const int64_t* ids, T scale, const T* log_sum_exp, const T* entropy,
                   const T* d_log_prob, const T* d_entropy) {
  const int64_t vocabulary = logits.size(1);
  for_each_row<T>(logits, [&](int64_t i, Compacted<T>& compact) {
    const int64_t row = start + i;
    T* x = logits.data_ptr<T>() + i * vocabulary;
    const IdSet* set = kept.row(row);
    if (set == nullptr) {
      backward_row(x, vocabulary, ids[row], scale, log_sum_exp[row], entropy[row], d_log_prob[row],
                   d_entropy[row]);
      return;
    }
    compact.gather(x, *set, ids[row]);
    backward_row(compact.values.data(), set->size(), compact.chosen, scale, log_sum_exp[row],
                 entropy[row], d_log_prob[row], d_entropy[row]);
    std::fill_n(x, vocabulary, T(0));
    for (size_t k = 0; k < compact.ids.size(); ++k) x[compact.ids[k]] = compact.values[k];
  });
}

struct LinearLogProb : torch::autograd::Function<LinearLogProb> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const at::Tensor& hidden, const at::Tensor& weight,
                                                const at::Tensor& bias, const at::Tensor& ids,
                                                double scale,
                                                const c10::intrusive_ptr<KeptRows>& kept_rows,
                                                int64_t keep_bytes) {
    const int64_t rows = hidden.size(0);
    const int64_t vocabulary = weight.size(0);
    at::Tensor log_prob = at::empty({rows}, hidden.options());
    at::Tensor entropy = at::empty({rows}, hidden.options());
    at::Tensor log_sum_exp = at::empty({rows}, hidden.options());
    const bool keep = rows * vocabulary * static_cast<int64_t>(hidden.element_size()) <= keep_bytes;
    const int64_t height = block_rows(vocabulary);
    std::vector<at::Tensor> kept;
    for (int64_t start = 0; start < rows; start += height) {
      const int64_t count = std::min(height, rows - start);
      const at::Tensor logits = logits_of(hidden.narrow(0, start, count), weight, bias);
      AT_DISPATCH_FLOATING_TYPES(hidden.scalar_type(), "linear_log_prob", [&] {
        forward_rows<scalar_t>(logits, start, *kept_rows, ids.data_ptr<int64_t>(),
                               static_cast<scalar_t>(scale), log_prob.data_ptr<scalar_t>(),
                               entropy.data_ptr<scalar_t>(), log_sum_exp.data_ptr<scalar_t>());
      });
      if (keep) kept.push_back(logits);
    }
    context->save_for_backward({hidden, weight, bias, ids, entropy, log_sum_exp});
    // Saved by value: they are neither inputs nor outputs, and backward consumes them.
    context->saved_data["kept"] = kept;
    context->saved_data["scale"] = scale;
    context->saved_data["kept_rows"] = c10::IValue::make_capsule(kept_rows);
    return {log_prob, entropy};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &hidden = saved[0], &weight = saved[1], &bias = saved[2], &ids = saved[3],
                     &entropy = saved[4], &log_sum_exp = saved[5];
    const double scale = context->saved_data["scale"].toDouble();
    const auto capsule = context->saved_data["kept_rows"].toCapsule();
    const auto& kept_rows = static_cast<const KeptRows&>(*capsule);
    auto kept = context->saved_data["kept"].toTensorVector();
    context->saved_data.erase("kept");
    const int64_t rows = hidden.size(0);
    const at::Tensor zeros = at::zeros({rows}, hidden.options());
    const at::Tensor d_log_prob = gradients[0].defined() ? gradients[0].contiguous() : zeros;
    const at::Tensor d_entropy = gradients[1].defined() ? gradients[1].contiguous() : zeros;

    at::Tensor d_hidden = at::empty_like(hidden);
    GradientSink d_weight(weight);
    GradientSink d_bias(bias);
    const int64_t height = block_rows(weight.size(0));
    for (int64_t start = 0, block = 0; start < rows; start += height, ++block) {
      const int64_t count = std::min(height, rows - start);
      const at::Tensor block_hidden = hidden.narrow(0, start, count);
      at::Tensor d_logits =
          kept.empty() ? logits_of(block_hidden, weight, bias) : std::move(kept[block]);
      AT_DISPATCH_FLOATING_TYPES(hidden.scalar_type(), "linear_log_prob_backward", [&] {
        backward_rows<scalar_t>(d_logits, start, kept_rows, ids.data_ptr<int64_t>(),
                                static_cast<scalar_t>(scale), log_sum_exp.data_ptr<scalar_t>(),
                                entropy.data_ptr<scalar_t>(), d_log_prob.data_ptr<scalar_t>(),
                                d_entropy.data_ptr<scalar_t>());
      });
      const at::Tensor d_block = d_hidden.narrow(0, start, count);
      product_out(d_block, d_logits, weight);
      d_weight.add_product(d_logits.t(), block_hidden);
      d_bias.add_column_sums(d_logits);
    }
    return {d_hidden, d_weight.result(), d_bias.result(), {}, {}, {}, {}};
  }
};

}  // namespace

LogProbs linear_log_prob(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& bias,
                         const at::Tensor& ids, double scale, const std::vector<const IdSet*>& kept,
                         int64_t keep_bytes) {
  PG_CHECK(hidden.dim() == 2 && weight.dim() == 2 && hidden.size(1) == weight.size(1),
           "hidden and weight do not match");
  PG_CHECK(ids.dim() == 1 && ids.size(0) == hidden.size(0) && ids.scalar_type() == at::kLong,
           "one int64 id a row");
  PG_CHECK(!bias.defined() || (bias.dim() == 1 && bias.size(0) == weight.size(0)),
           "one bias a vocabulary entry");
  PG_CHECK(kept.empty() || static_cast<int64_t>(kept.size()) == ids.numel(),
           "{} sets of kept ids for {} rows", kept.size(), ids.numel());
  const auto kept_rows = c10::make_intrusive<KeptRows>();
  kept_rows->sets = kept;
  const int64_t* id = ids.data_ptr<int64_t>();
  for (int64_t i = 0; i < ids.numel(); ++i) {
    PG_CHECK(id[i] >= 0 && id[i] < weight.size(0), "id {} in row {}, vocabulary {}", id[i], i,
             weight.size(0));
    PG_CHECK(kept_rows->row(i) == nullptr || kept[i]->contains(id[i]),
             "id {} in row {} is not among the kept ones", id[i], i);
  }
  const bool differentiate =
      at::GradMode::is_enabled() && (hidden.requires_grad() || weight.requires_grad());
  // Autograd functions take no undefined inputs in older versions: an empty bias stands for none.
  const at::Tensor some_bias =
      bias.defined() ? bias : at::empty({0}, hidden.options().requires_grad(false));
  const auto results =
      LinearLogProb::apply(hidden.contiguous(), weight, some_bias, ids.contiguous(), scale,
                           kept_rows, differentiate ? keep_bytes : 0);
  return {results[0], results[1]};
}

}  // namespace pgtrain
