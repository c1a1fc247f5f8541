#include "nn/attention_passes.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "tensor/row_kernels.h"
#include "tensor/transformer_kernels.h"

namespace pgtrain {
namespace {

constexpr int64_t kBlockQueries = 32;
constexpr int64_t kMostParts = 24;  // of a call that threads share

// Queries [begin, end) of a run and the keys [key_begin, end) that they see together: positions.
struct Block {
  int64_t begin, end, key_begin;
  int64_t queries() const { return end - begin; }
  int64_t keys() const { return end - key_begin; }
};

int64_t first_key(int64_t window, int64_t query) {
  return window > 0 ? std::max<int64_t>(0, query - window + 1) : 0;
}

template <class F>
void for_each_block(const RowRun& run, int64_t window, const F& f) {
  for (int64_t begin = run.first; begin < run.end; begin += kBlockQueries)
    f(Block{begin, std::min(begin + kBlockQueries, run.end), first_key(window, begin)});
}

// Pointers and strides of what a call reads and writes.
template <class T>
struct Operands {
  Operands(const AttentionPlan& of, const at::Tensor& qkv, const AttentionResult& result)
      : plan(of),
        scale(static_cast<T>(of.scale())),
        heads(result.heads.data_ptr<T>()),
        head_stride(result.heads.size(1)),
        values(qkv.data_ptr<T>() + of.shape.rotated_columns()),
        output(result.output.data_ptr<T>()),
        log_sum_exp(result.log_sum_exp.data_ptr<T>()) {}

  const AttentionPlan& plan;
  T scale;
  const T* heads;
  int64_t head_stride;
  const T* values;
  T* output;
  T* log_sum_exp;
  const T* d_output = nullptr;  // backward
  T* d_qkv = nullptr;           // backward
};

// Room for the longest text of a call; one for each thread.
template <class T>
struct Scratch {
  Scratch(const AttentionPlan& plan, bool backward)
      : longest(longest_text(plan.groups)),
        keys_t(plan.shape.size * longest),
        p(kBlockQueries * longest) {
    if (!backward) return;
    values_t.resize(keys_t.size());
    dp.resize(p.size());
  }

  int64_t longest;
  std::vector<T> keys_t;    // [size, longest]: a column for each position of the present text
  std::vector<T> values_t;  // likewise
  std::vector<T> p;         // [kBlockQueries, longest]
  std::vector<T> dp;
};

// The queries that read one key/value head in one group of texts. Touches no other gradients than
// those of its own rows and heads.
template <class T>
class GroupHead {
 public:
  GroupHead(const Operands<T>& operands, const std::vector<RowRun>& runs, int64_t kv,
            Scratch<T>& scratch)
      : x_(operands),
        shape_(operands.plan.shape),
        runs_(runs),
        kv_(kv),
        scratch_(scratch),
        longest_(scratch.longest) {}

  void forward() {
    for (const RowRun& run : runs_) {
      transpose_keys(run);
      for_each_head_block(
          run, [&](int64_t head, const Block& block) { forward_block(run, head, block); });
    }
  }

  void backward() {
    for (const RowRun& run : runs_) {
      transpose_keys(run);
      transpose(value(run.row), shape_.columns(), run, scratch_.values_t);
      for_each_head_block(
          run, [&](int64_t head, const Block& block) { backward_block(run, head, block); });
    }
  }

 private:
  const T* query(int64_t row, int64_t head) const {
    return x_.heads + row * x_.head_stride + head * shape_.size;
  }
  const T* key(int64_t row) const { return query(row, shape_.query_heads + kv_); }
  const T* value(int64_t row) const {
    return x_.values + row * shape_.columns() + kv_ * shape_.size;
  }
  int64_t result_offset(const RowRun& run, const Block& block, int64_t head) const {
    return run.result_at(block.begin) * shape_.query_columns() + head * shape_.size;
  }
  T& log_sum_exp(const RowRun& run, int64_t position, int64_t head) const {
    return x_.log_sum_exp[run.row_at(position) * shape_.query_heads + head];
  }

  // out [size, longest], columns [begin, end) of the run <- rows [end - begin, size]. The columns
  // of the trunk stay while those of one branch after the other follow them.
  void transpose(const T* rows, int64_t stride, const RowRun& run, std::vector<T>& out) const {
    for (int64_t t = run.begin; t < run.end; ++t, rows += stride)
      for (int64_t c = 0; c < shape_.size; ++c) out[c * longest_ + t] = rows[c];
  }
  void transpose_keys(const RowRun& run) {
    transpose(key(run.row), x_.head_stride, run, scratch_.keys_t);
  }

  template <class F>
  void for_each_head_block(const RowRun& run, const F& f) const {
    for (int64_t head = kv_ * shape_.group(); head < (kv_ + 1) * shape_.group(); ++head)
      for_each_block(run, x_.plan.window, [&](const Block& block) { f(head, block); });
  }

  // The block's keys lie in rows of the trunk and of the run: f(first row, its key's number within
  // the block, rows) for each of the two that has any.
  template <class F>
  void for_each_key_run(const RowRun& run, const Block& block, const F& f) const {
    const int64_t trunk_keys = std::max<int64_t>(0, run.begin - block.key_begin);
    if (trunk_keys > 0) f(runs_[0].row_at(block.key_begin), 0, trunk_keys);
    f(run.row_at(block.key_begin + trunk_keys), trunk_keys, block.keys() - trunk_keys);
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
    const int64_t from = first_key(x_.plan.window, block.begin + i) - block.key_begin;
    const int64_t end = block.begin + i + 1 - block.key_begin;
    std::fill_n(row, from, T(0));
    std::fill(row + end, row + block.keys(), T(0));
    return {row + from, end - from};
  }

  void forward_block(const RowRun& run, int64_t head, const Block& block) {
    const auto& kernels = row_kernels<T>();
    std::vector<T>& p = scratch_.p;
    multiply_keys(query(run.row_at(block.begin), head), x_.head_stride, scratch_.keys_t, block, p);
    T factors[kBlockQueries];
    for (int64_t i = 0; i < block.queries(); ++i) {
      const Seen row = seen(block, i, p);
      const T shift = x_.scale * kernels.max(row.p, row.count);
      const double sum = kernels.exp_in_place(row.p, row.count, x_.scale, shift);
      factors[i] = static_cast<T>(1 / sum);
      log_sum_exp(run, block.begin + i, head) = shift + static_cast<T>(std::log(sum));
    }
    T* out = x_.output + result_offset(run, block, head);
    for_each_key_run(run, block, [&](int64_t row, int64_t first, int64_t count) {
      transformer_kernels<T>().small_product({p.data() + first, longest_, 1, value(row),
                                              shape_.columns(), out, shape_.query_columns(),
                                              block.queries(), shape_.size, count, first > 0});
    });
    for (int64_t i = 0; i < block.queries(); ++i)
      for (int64_t c = 0; c < shape_.size; ++c) out[i * shape_.query_columns() + c] *= factors[i];
  }

  // With P the probabilities and G the gradient of the output: dV = P' G, dP = G V',
  // dS = scale P (dP - rowsum(G * output)), dQ = dS K, dK = dS' Q.
  void backward_block(const RowRun& run, int64_t head, const Block& block) {
    const auto& kernels = transformer_kernels<T>();
    const int64_t columns = shape_.columns();
    const int64_t out_stride = shape_.query_columns();
    std::vector<T>&p = scratch_.p, &dp = scratch_.dp;
    const T* q = query(run.row_at(block.begin), head);
    const T* g = x_.d_output + result_offset(run, block, head);
    const T* o = x_.output + result_offset(run, block, head);
    multiply_keys(q, x_.head_stride, scratch_.keys_t, block, p);
    multiply_keys(g, out_stride, scratch_.values_t, block, dp);
    for (int64_t i = 0; i < block.queries(); ++i) {
      const Seen row = seen(block, i, p);
      const Seen d_row = seen(block, i, dp);
      row_kernels<T>().exp_in_place(row.p, row.count, x_.scale,
                                    log_sum_exp(run, block.begin + i, head));
      T sum = 0;
      for (int64_t c = 0; c < shape_.size; ++c)
        sum += g[i * out_stride + c] * o[i * out_stride + c];
      kernels.softmax_gradient(row.p, d_row.p, row.count, sum, x_.scale);
    }
    T* d_query = x_.d_qkv + run.row_at(block.begin) * columns + head * shape_.size;
    for_each_key_run(run, block, [&](int64_t row, int64_t first, int64_t count) {
      const T *p_keys = p.data() + first, *dp_keys = dp.data() + first;
      T* d_key = x_.d_qkv + row * columns + (shape_.query_heads + kv_) * shape_.size;
      T* d_value = d_key + shape_.kv_heads * shape_.size;
      kernels.small_product({dp_keys, longest_, 1, key(row), x_.head_stride, d_query, columns,
                             block.queries(), shape_.size, count, first > 0});
      kernels.small_product({dp_keys, 1, longest_, q, x_.head_stride, d_key, columns, count,
                             shape_.size, block.queries(), true});
      kernels.small_product({p_keys, 1, longest_, g, out_stride, d_value, columns, count,
                             shape_.size, block.queries(), true});
    });
  }

  const Operands<T>& x_;
  const HeadShape& shape_;
  const std::vector<RowRun>& runs_;
  int64_t kv_;
  Scratch<T>& scratch_;
  int64_t longest_;
};

// f(runs, key/value head, scratch) for every piece of work, several at a time.
template <class T, class F>
void for_each_item(const AttentionPlan& plan, bool backward, const F& f) {
  const auto groups = runs_of(plan.groups);
  const int64_t heads = plan.shape.kv_heads;
  const auto items = static_cast<int64_t>(groups.size()) * heads;
  parallel_ranges(items, (items + kMostParts - 1) / kMostParts, [&](int64_t begin, int64_t end) {
    Scratch<T> scratch(plan, backward);
    for (int64_t item = begin; item < end; ++item)
      if (plan.groups[item / heads].results() > 0) f(groups[item / heads], item % heads, scratch);
  });
}

}  // namespace

template <class T>
void attention_forward_pass(const AttentionPlan& plan, const at::Tensor& qkv,
                            const AttentionResult& result) {
  const Operands<T> operands(plan, qkv, result);
  for_each_item<T>(plan, false,
                   [&](const std::vector<RowRun>& runs, int64_t kv, Scratch<T>& scratch) {
                     GroupHead<T>(operands, runs, kv, scratch).forward();
                   });
}

template <class T>
void attention_backward_pass(const AttentionPlan& plan, const at::Tensor& qkv,
                             const AttentionResult& result, const at::Tensor& d_output,
                             const at::Tensor& d_qkv) {
  Operands<T> operands(plan, qkv, result);
  operands.d_output = d_output.data_ptr<T>();
  operands.d_qkv = d_qkv.data_ptr<T>();
  for_each_item<T>(plan, true,
                   [&](const std::vector<RowRun>& runs, int64_t kv, Scratch<T>& scratch) {
                     GroupHead<T>(operands, runs, kv, scratch).backward();
                   });
}

template void attention_forward_pass<float>(const AttentionPlan&, const at::Tensor&,
                                            const AttentionResult&);
template void attention_forward_pass<double>(const AttentionPlan&, const at::Tensor&,
                                             const AttentionResult&);
template void attention_backward_pass<float>(const AttentionPlan&, const at::Tensor&,
                                             const AttentionResult&, const at::Tensor&,
                                             const at::Tensor&);
template void attention_backward_pass<double>(const AttentionPlan&, const at::Tensor&,
                                              const AttentionResult&, const at::Tensor&,
                                              const at::Tensor&);

}  // namespace pgtrain
