#include "nn/transformer_forward.h"

#include <torch/torch.h>

#include "core/error.h"
#include "nn/embedding.h"

namespace pgtrain {
namespace {

constexpr int64_t kGroupsPerBlock = 4;
constexpr int64_t kKeysPerGroup = 4;  // parts of a group drop with neighbouring keys

at::Tensor position_ids(const PackedTokens& tokens) {
  at::Tensor ids = at::empty_like(tokens.ids);
  int64_t* out = ids.data_ptr<int64_t>();
  for_each_row(tokens.groups, [&](int64_t row, int64_t position) { out[row] = position; });
  return ids;
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
    PG_CHECK(key_->sequences.size() == tokens_.groups.size(),
             "{} numbers of sequences for dropout, {} sequences", key_->sequences.size(),
             tokens_.groups.size());
    dropout.rate = rate_;
    for (size_t i = 0; i < tokens_.groups.size(); ++i) {
      const RowGroup& text = tokens_.groups[i];
      PG_CHECK(text.branches.empty(), "texts with rows in common drop the same elements");
      for (int64_t t = wanted_only ? text.first : 0; t < text.trunk; ++t) {
        const double draw = key_->rng->uniform(key_->step, key_->sequences[i],
                                               static_cast<uint32_t>(t * groups_ + group));
        dropout.keys.push_back(static_cast<int64_t>(draw * 0x1.0p53) * kKeysPerGroup);
      }
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
  plan->groups = tokens.groups;
  for (RowGroup& group : plan->groups) group.first = 0;
  plan->window = context.options.sliding_window;
  plan->norm_epsilon = context.options.norm_epsilon;
  if (context.rotary != nullptr)
    plan->table = context.rotary->table(longest_text(tokens.groups), dtype);
  return plan;
}

}  // namespace

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
      plan->groups = tokens.groups;
      x = x.index_select(0, at::tensor(wanted_rows(tokens.groups), at::kLong));
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
  x = norm(x, weights.final_norm, epsilon);
  if (!tokens.has_branches()) return x;
  return x.index_select(0, at::tensor(rows_of_texts(tokens.groups), at::kLong));
}

}  // namespace pgtrain
