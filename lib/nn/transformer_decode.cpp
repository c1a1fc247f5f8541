#include "nn/transformer_decode.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/parallel.h"
#include "nn/kv_pages.h"
#include "nn/transformer_forward.h"
#include "tensor/block_product.h"
#include "tensor/transformer_kernels.h"

namespace pgtrain {
namespace {

// The weights as decoding reads them: one product a group, adapters added or left out.
TransformerWeights fused_weights(const TransformerWeights& weights, double adapter_scale,
                                 bool merges) {
  TransformerWeights result = weights;
  for (TransformerBlock& block : result.blocks)
    for (LinearGroup* group : {&block.qkv, &block.output, &block.up, &block.down}) {
      if (!merges)
        for (Linear& part : group->parts) part.lora_a = part.lora_b = at::Tensor();
      *group = fused(*group, adapter_scale);
    }
  return result;
}

bool merges_adapters(const TransformerWeights& weights, const ModelOptions& options,
                     int64_t max_merged_values) {
  if (!options.lora.enabled()) return true;  // there is nothing to merge
  int64_t values = 0;
  for (const TransformerBlock& block : weights.blocks)
    for (const LinearGroup* group : {&block.qkv, &block.output, &block.up, &block.down})
      values += group->inputs() * group->outputs();
  return values <= max_merged_values;
}

// A [capacity, columns] tensor of which the first rows are in use.
class RowBuffer {
 public:
  at::Tensor rows(int64_t count, int64_t columns, const at::TensorOptions& options) {
    if (!buffer_.defined() || buffer_.size(0) < count || buffer_.size(1) != columns)
      buffer_ = at::empty({count, columns}, options);
    return buffer_.narrow(0, 0, count);
  }

 private:
  at::Tensor buffer_;
};

template <class T>
class TransformerDecodeState final : public DecodeState {
 public:
  TransformerDecodeState(const TransformerWeights& weights, const ModelOptions& options,
                         const Rotary* rotary, int64_t max_merged_values)
      : source_(weights),
        options_(options),
        rotary_(rotary),
        merges_(merges_adapters(weights, options, max_merged_values)),
        shape_(head_shape(options)),
        activation_(activation_of(options)),
        plain_(weights.embedding.options().requires_grad(false)),
        head_values_(2 * shape_.size * kPagePositions),
        pool_(options.num_layers * shape_.kv_heads * head_values_) {}

  void start(const std::vector<std::vector<int64_t>>& prompts) override {
    const c10::InferenceMode guard;
    PackedTokens tokens;
    for (const auto& prompt : prompts) {
      PG_CHECK(!prompt.empty(), "an empty prompt");
      const auto length = static_cast<int64_t>(prompt.size());
      PG_CHECK(length <= options_.max_positions, "a prompt of {} tokens, at most {} positions",
               length, options_.max_positions);
      tokens.add(prompt.data(), length, length - 1);
    }
    PG_CHECK(!prompts.empty(), "no prompts");
    tokens.finish(options_.vocab_size);
    weights_ = fused_weights(source_, options_.lora.scale(), merges_);
    for (PagedText<T>& text : texts_) text.release(pool_);
    texts_.assign(prompts.size(), {});
    std::vector<T*> row_pages;  // the page of each packed row
    for (size_t i = 0; i < prompts.size(); ++i)
      for (size_t t = 0; t < prompts[i].size(); ++t) row_pages.push_back(texts_[i].extend(pool_));
    TransformerContext context{options_, rotary_, nullptr, {}};
    context.on_keys = [&](size_t layer, const at::Tensor& heads, const at::Tensor& qkv) {
      int64_t row = 0;
      for (const RowGroup& text : tokens.groups)
        for (int64_t t = 0; t < text.trunk; ++t, ++row)
          store(layer, t, heads.data_ptr<T>() + row * heads.size(1),
                qkv.data_ptr<T>() + row * qkv.size(1), row_pages[row]);
    };
    hidden_ = transformer_forward(merges_ ? weights_ : source_, tokens, context);
  }

  void select(const std::vector<int64_t>& rows) override {
    const c10::InferenceMode guard;
    std::vector<PagedText<T>> selected;
    selected.reserve(rows.size());
    for (const int64_t row : rows) {
      PG_CHECK(row >= 0 && row < count(), "row {} of {}", row, count());
      selected.push_back(texts_[row].copy(pool_));
    }
    for (PagedText<T>& text : texts_) text.release(pool_);
    texts_ = std::move(selected);
    hidden_ = hidden_.index_select(0, at::tensor(rows, at::kLong));
  }

  void step(const std::vector<int64_t>& tokens) override {
    const c10::InferenceMode guard;
    PG_CHECK(static_cast<int64_t>(tokens.size()) == count(), "{} tokens for {} rows", tokens.size(),
             count());
    for (size_t row = 0; row < tokens.size(); ++row) {
      PG_CHECK(tokens[row] >= 0 && tokens[row] < options_.vocab_size,
               "token {} with a vocabulary of {}", tokens[row], options_.vocab_size);
      PG_CHECK(texts_[row].length() < options_.max_positions, "no position left of {}",
               options_.max_positions);
    }
    if (tokens.empty()) return;
    last_pages_.clear();
    longest_ = 0;
    for (PagedText<T>& text : texts_) {
      last_pages_.push_back(text.extend(pool_));
      longest_ = std::max(longest_, text.length());
    }
    extend_table();
    embed(tokens);
    for (size_t layer = 0; layer < weights_.blocks.size(); ++layer) run_block(layer);
    hidden_ = hidden_buffer_.rows(count(), options_.hidden_size, plain_);
    norm_out(x_, weights_.final_norm, options_.norm_epsilon, hidden_);
  }

  at::Tensor hidden() const override { return hidden_; }

 private:
  int64_t count() const { return static_cast<int64_t>(texts_.size()); }

  // Where a layer's key/value head lies within a page.
  int64_t page_offset(size_t layer, int64_t kv) const {
    return (static_cast<int64_t>(layer) * shape_.kv_heads + kv) * head_values_;
  }

  void store(size_t layer, int64_t position, const T* heads, const T* qkv, T* page) const {
    const int64_t slot = position % kPagePositions;
    for (int64_t kv = 0; kv < shape_.kv_heads; ++kv) {
      const T* key = heads + (shape_.query_heads + kv) * shape_.size;
      const T* value = qkv + shape_.rotated_columns() + kv * shape_.size;
      T* keys = page + page_offset(layer, kv);
      T* values = keys + shape_.size * kPagePositions;
      for (int64_t c = 0; c < shape_.size; ++c) keys[c * kPagePositions + slot] = key[c];
      std::copy_n(value, shape_.size, values + slot * shape_.size);
    }
  }

  void extend_table() {
    if (rotary_ == nullptr || (table_.defined() && table_.size(0) >= longest_)) return;
    table_ = rotary_->table(std::max<int64_t>(64, longest_ + longest_ / 2),
                            plain_.dtype().toScalarType());
  }

  void embed(const std::vector<int64_t>& tokens) {
    const int64_t size = options_.hidden_size;
    x_ = x_buffer_.rows(count(), size, plain_);
    const T* table = weights_.embedding.data_ptr<T>();
    for (int64_t row = 0; row < count(); ++row) {
      T* out = x_.data_ptr<T>() + row * size;
      std::copy_n(table + tokens[row] * size, size, out);
      if (!weights_.positions.defined()) continue;
      const T* position = weights_.positions.data_ptr<T>() + (texts_[row].length() - 1) * size;
      for (int64_t c = 0; c < size; ++c) out[c] += position[c];
    }
  }

  // out = x W' + b, or out += with add. fused: of weights_; source: the same layers in source_.
  void multiply(const at::Tensor& x, const LinearGroup& fused, const LinearGroup& source, bool add,
                at::Tensor& out) {
    const Linear& part = fused.parts[0];
    const at::Tensor weight = fused.input_major ? part.weight : part.weight.t();
    if (add) {
      product_add(out, x, weight);
      if (part.bias.defined()) out.add_(part.bias);
    } else {
      product_out(out, x, weight, part.bias);
    }
    if (!merges_) add_adapters(x, source, out);
  }

  void add_adapters(const at::Tensor& x, const LinearGroup& group, at::Tensor& out) {
    int64_t column = 0;
    for (size_t i = 0; i < group.parts.size(); ++i) {
      const Linear& part = group.parts[i];
      if (part.lora_a.defined()) {
        at::Tensor low = low_.rows(x.size(0), options_.lora.rank, plain_);
        at::mm_out(low, x, part.lora_a.t());
        out.narrow(1, column, group.outputs(i))
            .addmm_(low, part.lora_b.t(), 1, options_.lora.scale());
      }
      column += group.outputs(i);
    }
  }

  void run_block(size_t layer) {
    const TransformerBlock& block = weights_.blocks[layer];
    const TransformerBlock& source = source_.blocks[layer];
    const int64_t rows = count();
    at::Tensor normed = normed_.rows(rows, options_.hidden_size, plain_);
    at::Tensor qkv = qkv_.rows(rows, shape_.columns(), plain_);
    at::Tensor attended = attended_.rows(rows, shape_.query_columns(), plain_);
    norm_out(x_, block.attention_norm, options_.norm_epsilon, normed);
    multiply(normed, block.qkv, source.qkv, false, qkv);
    const int64_t scores = shape_.group() * (longest_ + 2 * kPagePositions);
    scores_.resize(static_cast<size_t>(rows * scores));
    parallel_blocks(rows, [&](int64_t row) {
      attend(layer, block, row, qkv.data_ptr<T>() + row * shape_.columns(),
             scores_.data() + row * scores, attended.data_ptr<T>() + row * shape_.query_columns());
    });
    multiply(attended, block.output, source.output, true, x_);
    norm_out(x_, block.mlp_norm, options_.norm_epsilon, normed);
    at::Tensor inner = inner_.rows(rows, block.up.outputs(), plain_);
    multiply(normed, block.up, source.up, false, inner);
    at::Tensor active = active_.rows(rows, options_.resolved_intermediate_size(), plain_);
    activate_out(activation_, inner, active);
    multiply(active, block.down, source.down, true, x_);
  }

  // scores: scratch, group * (length + 2 * kPagePositions) values.
  void attend(size_t layer, const TransformerBlock& block, int64_t row, T* qkv, T* scores,
              T* out) const {
    const int64_t length = texts_[row].length();
    const T* angles =
        rotary_ == nullptr ? nullptr : table_.data_ptr<T>() + (length - 1) * table_.size(1);
    prepare_heads<T>(shape_, block.head_norms, static_cast<T>(options_.norm_epsilon), angles, qkv,
                     nullptr);
    store(layer, length - 1, qkv, qkv, last_pages_[row]);
    const int64_t window = options_.sliding_window;
    PagedAttention<T> attention;
    attention.heads = shape_.group();
    attention.size = shape_.size;
    attention.pages = texts_[row].pages();
    attention.begin = window > 0 ? std::max<int64_t>(0, length - window) : 0;
    attention.end = length;
    attention.scale = static_cast<T>(1 / std::sqrt(static_cast<double>(shape_.size)));
    attention.scores = scores;
    for (int64_t kv = 0; kv < shape_.kv_heads; ++kv) {
      attention.query = qkv + kv * shape_.group() * shape_.size;
      attention.offset = page_offset(layer, kv);
      attention.out = out + kv * shape_.group() * shape_.size;
      transformer_kernels<T>().paged_attention(attention);
    }
  }

  const TransformerWeights& source_;
  const ModelOptions& options_;
  const Rotary* rotary_;
  bool merges_;  // adapters are in weights_
  HeadShape shape_;
  Activation activation_;
  at::TensorOptions plain_;
  int64_t head_values_;  // of one key/value head in a page
  TransformerWeights weights_;
  PagePool<T> pool_;
  std::vector<PagedText<T>> texts_;  // a row each
  std::vector<T*> last_pages_;       // the page that each row's newest position is in
  int64_t longest_ = 0;
  at::Tensor table_;  // Rotary::table of at least the longest text
  at::Tensor x_;      // [rows, hidden_size]: the residual stream
  at::Tensor hidden_;
  RowBuffer x_buffer_, hidden_buffer_, normed_, qkv_, attended_, inner_, active_, low_;
  std::vector<T> scores_;  // of each row's attention
};

}  // namespace

std::unique_ptr<DecodeState> make_transformer_decode_state(const TransformerWeights& weights,
                                                           const ModelOptions& options,
                                                           const Rotary* rotary,
                                                           int64_t max_merged_values) {
  if (weights.embedding.scalar_type() == at::kDouble)
    return std::make_unique<TransformerDecodeState<double>>(weights, options, rotary,
                                                            max_merged_values);
  return std::make_unique<TransformerDecodeState<float>>(weights, options, rotary,
                                                         max_merged_values);
}

}  // namespace pgtrain
