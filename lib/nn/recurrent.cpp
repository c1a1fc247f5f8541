#include "nn/recurrent.h"

#include <torch/torch.h>

#include <algorithm>

#include "core/error.h"
#include "core/parallel.h"
#include "tensor/block_product.h"
#include "tensor/gradient_sink.h"
#include "tensor/row_kernels.h"

namespace pgtrain {
namespace {

// Row pointers into contiguous [rows, width] tensors.
template <class T>
T* row(const at::Tensor& x, int64_t index) {
  return x.data_ptr<T>() + index * x.size(1);
}

// Rows that one thread takes at a time.
int64_t rows_per_block(int64_t hidden) { return std::max<int64_t>(1, 4096 / hidden); }

// gates, c, h: the rows of this step. previous_h / previous_c: null at step 0 (zero state).
template <class T>
void forward_rows(CellKind kind, int64_t rows, const at::Tensor& gates, const at::Tensor& recurrent,
                  const at::Tensor& recurrent_n, const at::Tensor& h_previous,
                  const at::Tensor& c_previous, const at::Tensor& h, const at::Tensor& c) {
  const auto& kernels = row_kernels<T>();
  const int64_t hidden = h.size(1);
  parallel_ranges(rows, rows_per_block(hidden), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (kind == CellKind::kGru)
        kernels.gru_forward(row<T>(gates, i), row<T>(recurrent, i),
                            recurrent_n.defined() ? row<T>(recurrent_n, i) : nullptr,
                            row<T>(h_previous, i), row<T>(h, i), hidden);
      else
        kernels.lstm_forward(row<T>(gates, i), row<T>(recurrent, i), row<T>(c_previous, i),
                             row<T>(c, i), row<T>(h, i), hidden);
    }
  });
}

// How the rows of each step go on from those of the step before.
struct Steps : torch::CustomClassHolder {
  std::vector<int64_t> sizes;
  std::vector<at::Tensor> parents;  // undefined: the first rows

  int64_t count() const { return static_cast<int64_t>(sizes.size()); }
  int64_t most_rows() const { return *std::max_element(sizes.begin(), sizes.end()); }
  bool branches(int64_t step) const {
    return !parents.empty() && parents[static_cast<size_t>(step)].defined();
  }
  // The rows of `states` [total, width] from which those of the step go on; start: the step's first
  // row.
  at::Tensor before(const at::Tensor& states, int64_t step, int64_t start) const {
    const int64_t previous = start - sizes[step - 1];
    return branches(step)
               ? states.narrow(0, previous, sizes[step - 1]).index_select(0, parents[step])
               : states.narrow(0, previous, sizes[step]);
  }
  // Turns the gradient of before(states, step, ...) in the first rows of `gradient` [most_rows,
  // width] into that of the rows of the step before; the other rows are 0 and stay so.
  void add_to_parents(int64_t step, at::Tensor& gradient) const {
    if (!branches(step)) return;
    gradient =
        at::zeros_like(gradient).index_add_(0, parents[step], gradient.narrow(0, 0, sizes[step]));
  }
};

struct RecurrentLayer : torch::autograd::Function<RecurrentLayer> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& w_input, const at::Tensor& w_recurrent,
                            const at::Tensor& b_input, const at::Tensor& b_recurrent,
                            int64_t kind_index, const c10::intrusive_ptr<Steps>& steps) {
    const auto kind = static_cast<CellKind>(kind_index);
    const bool gru = kind == CellKind::kGru;
    const int64_t hidden = w_recurrent.size(1);
    const int64_t total = x.size(0);
    const int64_t most = steps->most_rows();
    const at::Tensor gates = at::empty({total, w_input.size(0)}, x.options().requires_grad(false));
    product_out(gates, x, w_input.t(), b_input);
    at::Tensor h = at::empty({total, hidden}, x.options());
    // GRU: the n part of the recurrent product; LSTM: the cells.
    at::Tensor extra = at::empty({total, hidden}, x.options());
    at::Tensor zero = at::zeros({most, hidden}, x.options());
    at::Tensor recurrent = at::empty({most, w_recurrent.size(0)}, x.options());
    int64_t start = 0;
    for (int64_t t = 0; t < steps->count(); ++t) {
      const int64_t rows = steps->sizes[t];
      const at::Tensor h_previous = t == 0 ? zero : steps->before(h, t, start);
      const at::Tensor c_previous = t == 0 || gru ? zero : steps->before(extra, t, start);
      const at::Tensor now = recurrent.narrow(0, 0, rows);
      product_out(now, h_previous.narrow(0, 0, rows), w_recurrent.t(), b_recurrent);
      const at::Tensor extra_now = extra.narrow(0, start, rows);
      AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "recurrent_forward", [&] {
        forward_rows<scalar_t>(kind, rows, gates.narrow(0, start, rows), now, extra_now, h_previous,
                               c_previous, h.narrow(0, start, rows), extra_now);
      });
      start += rows;
    }
    context->save_for_backward({x, w_input, w_recurrent, b_input, b_recurrent, h});
    context->saved_data["gates"] = gates;
    context->saved_data["extra"] = extra;
    context->saved_data["kind"] = kind_index;
    context->saved_data["steps"] = c10::IValue::make_capsule(steps);
    return h;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &w_input = saved[1], &w_recurrent = saved[2], &h = saved[5];
    const auto kind = static_cast<CellKind>(context->saved_data["kind"].toInt());
    const at::Tensor gates = context->saved_data["gates"].toTensor();
    const at::Tensor extra = context->saved_data["extra"].toTensor();
    const auto capsule = context->saved_data["steps"].toCapsule();
    const Steps& steps = static_cast<const Steps&>(*capsule);
    context->saved_data.erase("gates");
    const int64_t hidden = h.size(1);
    const int64_t most = steps.most_rows();
    const bool gru = kind == CellKind::kGru;

    const at::Tensor zero = at::zeros({most, hidden}, x.options());
    at::Tensor dh = zero.clone();
    at::Tensor dc = zero.clone();
    // LSTM: the gradient of the input part is also that of the recurrent part.
    at::Tensor d_recurrent = gru ? at::empty_like(gates) : gates;
    const at::Tensor d_out = gradients[0].contiguous();
    // The previous state of every packed row, for the product that gives the recurrent weight's
    // gradient.
    at::Tensor h_before = at::empty_like(h);
    int64_t start = h.size(0);
    for (int64_t t = steps.count() - 1; t >= 0; --t) {
      const int64_t rows = steps.sizes[t];
      start -= rows;
      const at::Tensor h_previous = t == 0 ? zero : steps.before(h, t, start);
      const at::Tensor c_previous = t == 0 || gru ? zero : steps.before(extra, t, start);
      h_before.narrow(0, start, rows).copy_(h_previous.narrow(0, 0, rows));
      at::Tensor dh_now = dh.narrow(0, 0, rows);
      dh_now.add_(d_out.narrow(0, start, rows));
      const at::Tensor gates_now = gates.narrow(0, start, rows);
      const at::Tensor extra_now = extra.narrow(0, start, rows);
      const at::Tensor d_recurrent_now = d_recurrent.narrow(0, start, rows);
      AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "recurrent_backward", [&] {
        const auto& kernels = row_kernels<scalar_t>();
        parallel_ranges(rows, rows_per_block(hidden), [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            if (gru)
              kernels.gru_backward(row<scalar_t>(dh_now, i), row<scalar_t>(gates_now, i),
                                   row<scalar_t>(extra_now, i), row<scalar_t>(h_previous, i),
                                   row<scalar_t>(d_recurrent_now, i), hidden);
            else
              kernels.lstm_backward(row<scalar_t>(dh_now, i), row<scalar_t>(dc, i),
                                    row<scalar_t>(gates_now, i), row<scalar_t>(c_previous, i),
                                    row<scalar_t>(extra_now, i), hidden);
          }
        });
      });
      if (t == 0) break;
      if (gru)
        product_add(dh_now, d_recurrent_now, w_recurrent);
      else
        product_out(dh_now, d_recurrent_now, w_recurrent);
      steps.add_to_parents(t, dh);
      if (!gru) steps.add_to_parents(t, dc);
    }

    GradientSink d_w_input(w_input), d_w_recurrent(w_recurrent), d_b_input(saved[3]),
        d_b_recurrent(saved[4]);
    d_w_input.add_product(gates.t(), x);
    d_w_recurrent.add_product(d_recurrent.t(), h_before);
    d_b_input.add_column_sums(gates);
    d_b_recurrent.add_column_sums(d_recurrent);
    const at::Tensor d_x = context->needs_input_grad(0) ? product(gates, w_input) : at::Tensor();
    return {d_x,
            d_w_input.result(),
            d_w_recurrent.result(),
            d_b_input.result(),
            d_b_recurrent.result(),
            {},
            {}};
  }
};

}  // namespace

at::Tensor recurrent_layer(CellKind kind, const at::Tensor& x, const RecurrentWeights& weights,
                           const std::vector<int64_t>& batch_sizes,
                           const std::vector<at::Tensor>& parents) {
  PG_CHECK(!batch_sizes.empty() && x.dim() == 2, "an empty batch or x is not [total, inputs]");
  PG_CHECK(parents.empty() || parents.size() == batch_sizes.size(), "{} parents, {} steps",
           parents.size(), batch_sizes.size());
  const auto steps = c10::make_intrusive<Steps>();
  steps->sizes = batch_sizes;
  steps->parents = parents;
  int64_t total = 0;
  for (size_t t = 0; t < batch_sizes.size(); ++t) {
    const bool branches = steps->branches(static_cast<int64_t>(t));
    PG_CHECK(batch_sizes[t] > 0 && (t == 0 || branches || batch_sizes[t] <= batch_sizes[t - 1]),
             "batch size {} at step {}", batch_sizes[t], t);
    PG_CHECK(!branches || (t > 0 && parents[t].numel() == batch_sizes[t]), "parents of step {}", t);
    total += batch_sizes[t];
  }
  PG_CHECK(total == x.size(0), "batch sizes add up to {}, x has {} rows", total, x.size(0));
  return RecurrentLayer::apply(x.contiguous(), weights.input, weights.recurrent, weights.input_bias,
                               weights.recurrent_bias, static_cast<int64_t>(kind), steps);
}

void recurrent_step(CellKind kind, const at::Tensor& x, const RecurrentWeights& weights,
                    at::Tensor& h, at::Tensor& c, at::Tensor& scratch_input,
                    at::Tensor& scratch_recurrent) {
  const int64_t rows = x.size(0);
  at::Tensor gates = scratch_input.narrow(0, 0, rows);
  at::Tensor recurrent = scratch_recurrent.narrow(0, 0, rows);
  product_out(gates, x, weights.input.t(), weights.input_bias);
  product_out(recurrent, h, weights.recurrent.t(), weights.recurrent_bias);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "recurrent_step", [&] {
    forward_rows<scalar_t>(kind, rows, gates, recurrent, at::Tensor(), h, c, h, c);
  });
}

}  // namespace pgtrain
