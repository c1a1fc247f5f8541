#include "nn/transformer_forward.h"

#include <torch/torch.h>

#include <algorithm>

#include "core/error.h"
#include "nn/embedding.h"

namespace pgtrain {
namespace {

constexpr int64_t kGroupsPerBlock = 4;
constexpr int64_t kKeysPerGroup = 4;  // parts of a group drop with neighbouring keys

at::Tensor position_ids(const PackedTokens& tokens) {
  at::Tensor ids = at::empty_like(tokens.ids);
  int64_t* out = ids.data_ptr<int64_t>();
  for (const int64_t length : tokens.lengths)
    for (int64_t position = 0; position < length; ++position) *out++ = position;
  return ids;
}

// Rows of the positions from which states are wanted.
at::Tensor wanted_rows(const PackedTokens& tokens) {
  std::vector<int64_t> rows;
  int64_t start = 0;
  for (size_t i = 0; i < tokens.lengths.size(); ++i) {
    for (int64_t t = tokens.first[i]; t < tokens.lengths[i]; ++t) rows.push_back(start + t);
    start += tokens.lengths[i];
  }
  return at::tensor(rows, at::kLong);
}

// Draws a key for every row of a group of layers: a function of step, sequence, position and group.
class DropoutRows {
 public:
  DropoutRows(const PackedTokens& tokens, const TransformerContext& context)
      : tokens_(tokens),
        key_(context.dropout),
        rate_(context.options.lora.enabled() ? context.options.lora.dropout : 0),
        groups_(context.options.num_layers * kGroupsPerBlock) {}

  // group: number of the group of layers in the whole network. Only the wanted rows with
  // wanted_only.
  AdapterDropout of(int64_t group, bool wanted_only) const {
    AdapterDropout dropout;
    if (key_ == nullptr || key_->rng == nullptr || rate_ == 0) return dropout;
    PG_CHECK(key_->sequences.size() == tokens_.lengths.size(),
             "{} numbers of sequences for dropout, {} sequences", key_->sequences.size(),
             tokens_.lengths.size());
    dropout.rate = rate_;
    for (size_t i = 0; i < tokens_.lengths.size(); ++i)
      for (int64_t t = wanted_only ? tokens_.first[i] : 0; t < tokens_.lengths[i]; ++t) {
        const double draw = key_->rng->uniform(key_->step, key_->sequences[i],
                                               static_cast<uint32_t>(t * groups_ + group));
        dropout.keys.push_back(static_cast<int64_t>(draw * 0x1.0p53) * kKeysPerGroup);
      }
    return dropout;
  }

 private:
  const PackedTokens& tokens_;
  const DropoutKey* key_;
  double rate_;
  int64_t groups_;
};

std::shared_ptr<AttentionPlan> make_plan(const PackedTokens& tokens,
                                         const TransformerContext& context, at::ScalarType dtype) {
  auto plan = std::make_shared<AttentionPlan>();
  plan->shape = head_shape(context.options);
  plan->lengths = tokens.lengths;
  plan->first.assign(tokens.lengths.size(), 0);
  plan->window = context.options.sliding_window;
  plan->norm_epsilon = context.options.norm_epsilon;
  if (context.rotary != nullptr)
    plan->table = context.rotary->table(
        *std::max_element(tokens.lengths.begin(), tokens.lengths.end()), dtype);
  return plan;
}

}  // namespace

void PackedTokens::add(const int64_t* tokens, int64_t length, int64_t first_wanted) {
  PG_CHECK(length >= 1 && first_wanted >= 0 && first_wanted <= length, "{} tokens, first {}",
           length, first_wanted);
  tokens_.insert(tokens_.end(), tokens, tokens + length);
  lengths.push_back(length);
  first.push_back(first_wanted);
}

void PackedTokens::finish(int64_t vocab_size) {
  for (const int64_t id : tokens_)
    PG_CHECK(id >= 0 && id < vocab_size, "token {} with a vocabulary of {}", id, vocab_size);
  ids = at::tensor(tokens_, at::kLong);
}

at::Tensor transformer_forward(const TransformerWeights& weights, const PackedTokens& tokens,
                               const TransformerContext& context) {
  const ModelOptions& options = context.options;
  const double epsilon = options.norm_epsilon;
  const double scale = options.lora.scale();
  const Activation activation = activation_of(options);
  const DropoutRows dropout(tokens, context);
  auto plan = make_plan(tokens, context, weights.embedding.scalar_type());
  at::Tensor x = embed(weights.embedding, tokens.ids);
  if (weights.positions.defined()) x = x + embed(weights.positions, position_ids(tokens));
  for (size_t layer = 0; layer < weights.blocks.size(); ++layer) {
    const TransformerBlock& block = weights.blocks[layer];
    const auto group = static_cast<int64_t>(layer) * kGroupsPerBlock;
    const bool is_last = layer + 1 == weights.blocks.size();
    const at::Tensor qkv =
        linear(norm(x, block.attention_norm, epsilon), block.qkv, scale, dropout.of(group, false));
    if (is_last) {  // nothing after its attention looks at the other rows
      plan = std::make_shared<AttentionPlan>(*plan);
      plan->first = tokens.first;
      x = x.index_select(0, wanted_rows(tokens));
    }
    at::Tensor attended;
    if (context.on_keys) {
      const AttentionResult result = attention_forward(*plan, qkv, block.head_norms);
      context.on_keys(layer, result.heads, qkv);
      attended = result.output;
    } else {
      attended = causal_attention(plan, qkv, block.head_norms);
    }
    x = linear(attended, block.output, scale, dropout.of(group + 1, is_last), x);
    const at::Tensor inner =
        linear(norm(x, block.mlp_norm, epsilon), block.up, scale, dropout.of(group + 2, is_last));
    x = linear(activate(activation, inner), block.down, scale, dropout.of(group + 3, is_last), x);
  }
  return norm(x, weights.final_norm, epsilon);
}

}  // namespace pgtrain
