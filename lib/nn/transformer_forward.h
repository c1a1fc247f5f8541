// The packed forward pass of a transformer: texts one after the other, without padding; the common
// beginning of texts is read once.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "nn/dropout.h"
#include "nn/packed_tokens.h"
#include "nn/rotary.h"
#include "nn/transformer_weights.h"

namespace pgtrain {

// What a pass needs beside weights and tokens.
struct TransformerContext {
  const ModelOptions& options;
  const Rotary* rotary = nullptr;       // null for GPT-2
  const DropoutKey* dropout = nullptr;  // null = none
  // Called with each layer's prepared keys and its values (AttentionResult::heads, qkv) when set;
  // the pass is then without gradient.
  std::function<void(size_t layer, const at::Tensor& heads, const at::Tensor& qkv)> on_keys;
};

// [N, hidden_size]: what the head reads, text after text from `first` on: the states of a common
// beginning come again for each text. With dropout no texts may share one.
at::Tensor transformer_forward(const TransformerWeights& weights, const PackedTokens& tokens,
                               const TransformerContext& context);

}  // namespace pgtrain
