// The tensors of a Llama-type or GPT-2-type network under Hugging Face's names, shapes and layouts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nn/activation.h"
#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/model_options.h"
#include "nn/norm.h"

namespace pgtrain {

// One layer: x += output(attention(qkv(norm(x)))); x += down(activation(up(norm(x)))).
struct TransformerBlock {
  std::string prefix;  // "model.layers.0."
  NormWeights attention_norm;
  LinearGroup qkv;  // q_proj, k_proj, v_proj; or c_attn
  HeadNorms head_norms;
  LinearGroup output;  // o_proj; or attn.c_proj
  NormWeights mlp_norm;
  LinearGroup up;    // gate_proj, up_proj; or c_fc
  LinearGroup down;  // down_proj; or mlp.c_proj
};

struct TransformerWeights {
  at::Tensor embedding;  // [vocab_size, hidden_size]
  at::Tensor positions;  // GPT-2: [max_positions, hidden_size]; else undefined
  std::vector<TransformerBlock> blocks;
  NormWeights final_norm;
  at::Tensor head;  // [vocab_size, hidden_size]; undefined when the embedding is the head
};

// One tensor of the network: its name and where it is kept.
struct WeightSlot {
  std::string name;
  at::Tensor* tensor;
  bool is_norm;  // of a norm: starts at 1 (weight) or 0 (bias)
};

// Not initialised; adapters where options.lora asks for them.
TransformerWeights make_weights(const ModelOptions& options);

// Every tensor but those of adapters, in a fixed order.
std::vector<WeightSlot> base_slots(TransformerWeights& weights, const ModelOptions& options);

// The adapters' tensors under the names of PEFT.
std::vector<WeightSlot> adapter_slots(TransformerWeights& weights);

HeadShape head_shape(const ModelOptions& options);
Activation activation_of(const ModelOptions& options);

}  // namespace pgtrain
