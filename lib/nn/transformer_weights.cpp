#include "nn/transformer_weights.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "nn/layer_names.h"

namespace pgtrain {
namespace {

// Parts of a group as views of one tensor, so that they are multiplied at once.
LinearGroup make_group(const std::vector<std::string>& names, const std::vector<int64_t>& outputs,
                       int64_t inputs, bool has_bias, bool input_major) {
  int64_t total = 0;
  for (const int64_t count : outputs) total += count;
  const at::Tensor whole = input_major ? at::empty({inputs, total}) : at::empty({total, inputs});
  LinearGroup group;
  group.input_major = input_major;
  int64_t row = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    Linear part;
    part.name = names[i];
    part.weight = names.size() == 1 ? whole : whole.narrow(0, row, outputs[i]);
    if (has_bias) part.bias = at::empty({outputs[i]});
    row += outputs[i];
    group.parts.push_back(std::move(part));
  }
  return group;
}

NormWeights make_norm(int64_t size, bool has_bias) {
  return {at::empty({size}), has_bias ? at::empty({size}) : at::Tensor()};
}

TransformerBlock make_llama_block(const ModelOptions& options) {
  const HeadShape shape = head_shape(options);
  const int64_t hidden = options.hidden_size;
  const int64_t inner = options.resolved_intermediate_size();
  const int64_t kv = shape.kv_heads * shape.size;
  const LayerNames names = layer_names(options);
  TransformerBlock block;
  block.attention_norm = make_norm(hidden, false);
  block.qkv =
      make_group(names.qkv, {shape.query_columns(), kv, kv}, hidden, options.qkv_bias, false);
  if (options.qk_norm) block.head_norms = {at::empty({shape.size}), at::empty({shape.size})};
  block.output =
      make_group(names.output, {hidden}, shape.query_columns(), options.output_bias, false);
  block.mlp_norm = make_norm(hidden, false);
  block.up = make_group(names.up, {inner, inner}, hidden, options.mlp_bias, false);
  block.down = make_group(names.down, {hidden}, inner, options.mlp_bias, false);
  return block;
}

TransformerBlock make_gpt2_block(const ModelOptions& options) {
  const int64_t hidden = options.hidden_size;
  const int64_t inner = options.resolved_intermediate_size();
  const LayerNames names = layer_names(options);
  TransformerBlock block;
  block.attention_norm = make_norm(hidden, true);
  block.qkv = make_group(names.qkv, {3 * hidden}, hidden, true, true);
  block.output = make_group(names.output, {hidden}, hidden, true, true);
  block.mlp_norm = make_norm(hidden, true);
  block.up = make_group(names.up, {inner}, hidden, true, true);
  block.down = make_group(names.down, {hidden}, inner, true, true);
  return block;
}

void add_adapters(TransformerBlock& block, const LoraOptions& lora) {
  for (LinearGroup* group : {&block.qkv, &block.output, &block.up, &block.down})
    for (size_t i = 0; i < group->parts.size(); ++i) {
      Linear& part = group->parts[i];
      if (!is_adapted(block.prefix + part.name, lora.target_modules)) continue;
      part.lora_a = at::empty({lora.rank, group->inputs()});
      part.lora_b = at::empty({group->outputs(i), lora.rank});
    }
}

void add_norm(std::vector<WeightSlot>& slots, const std::string& name, NormWeights& norm) {
  slots.push_back({name + ".weight", &norm.weight, true});
  if (norm.bias.defined()) slots.push_back({name + ".bias", &norm.bias, true});
}

// The weights of a group come first, so that a flat buffer keeps them side by side.
void add_group(std::vector<WeightSlot>& slots, const std::string& prefix, LinearGroup& group) {
  for (Linear& part : group.parts)
    slots.push_back({prefix + part.name + ".weight", &part.weight, false});
  for (Linear& part : group.parts)
    if (part.bias.defined()) slots.push_back({prefix + part.name + ".bias", &part.bias, false});
}

}  // namespace

HeadShape head_shape(const ModelOptions& options) {
  return {options.num_heads, options.resolved_kv_heads(), options.resolved_head_dim()};
}

Activation activation_of(const ModelOptions& options) {
  const std::string name = options.resolved_activation();
  if (name == "silu") return Activation::kSwiGlu;
  return name == "gelu" ? Activation::kGeluErf : Activation::kGeluTanh;
}

TransformerWeights make_weights(const ModelOptions& options) {
  const bool gpt2 = options.is_gpt2();
  TransformerWeights weights;
  weights.embedding = at::empty({options.vocab_size, options.hidden_size});
  if (gpt2) weights.positions = at::empty({options.max_positions, options.hidden_size});
  for (int64_t layer = 0; layer < options.num_layers; ++layer) {
    TransformerBlock block = gpt2 ? make_gpt2_block(options) : make_llama_block(options);
    block.prefix = block_prefix(options, layer);
    if (options.lora.enabled()) add_adapters(block, options.lora);
    weights.blocks.push_back(std::move(block));
  }
  weights.final_norm = make_norm(options.hidden_size, gpt2);
  if (!options.tie_embeddings) weights.head = at::empty({options.vocab_size, options.hidden_size});
  return weights;
}

std::vector<WeightSlot> base_slots(TransformerWeights& weights, const ModelOptions& options) {
  const bool gpt2 = options.is_gpt2();
  std::vector<WeightSlot> slots = {
      {gpt2 ? "transformer.wte.weight" : "model.embed_tokens.weight", &weights.embedding, false}};
  if (gpt2) slots.push_back({"transformer.wpe.weight", &weights.positions, false});
  for (TransformerBlock& block : weights.blocks) {
    add_norm(slots, block.prefix + (gpt2 ? "ln_1" : "input_layernorm"), block.attention_norm);
    add_group(slots, block.prefix, block.qkv);
    if (block.head_norms.query.defined()) {
      slots.push_back({block.prefix + "self_attn.q_norm.weight", &block.head_norms.query, true});
      slots.push_back({block.prefix + "self_attn.k_norm.weight", &block.head_norms.key, true});
    }
    add_group(slots, block.prefix, block.output);
    add_norm(slots, block.prefix + (gpt2 ? "ln_2" : "post_attention_layernorm"), block.mlp_norm);
    add_group(slots, block.prefix, block.up);
    add_group(slots, block.prefix, block.down);
  }
  add_norm(slots, gpt2 ? "transformer.ln_f" : "model.norm", weights.final_norm);
  if (weights.head.defined()) slots.push_back({"lm_head.weight", &weights.head, false});
  return slots;
}

std::vector<WeightSlot> adapter_slots(TransformerWeights& weights) {
  std::vector<WeightSlot> slots;
  for (TransformerBlock& block : weights.blocks)
    for (LinearGroup* group : {&block.qkv, &block.output, &block.up, &block.down})
      for (Linear& part : group->parts) {
        if (!part.lora_a.defined()) continue;
        const std::string name = "base_model.model." + block.prefix + part.name;
        slots.push_back({name + ".lora_A.weight", &part.lora_a, false});
        slots.push_back({name + ".lora_B.weight", &part.lora_b, false});
      }
  return slots;
}

}  // namespace pgtrain
