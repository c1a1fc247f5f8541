// The packed forward pass of a transformer: whole sequences, one after the other, without padding.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "nn/dropout.h"
#include "nn/rotary.h"
#include "nn/transformer_weights.h"

namespace pgtrain {

// Sequences that are read together.
struct PackedTokens {
  at::Tensor ids;                // [rows] int64, each within the vocabulary
  std::vector<int64_t> lengths;  // at least 1 each, their sum is rows
  std::vector<int64_t> first;    // the position of each sequence from which states are wanted

  void add(const int64_t* tokens, int64_t length, int64_t first_wanted);
  // Builds ids of all that was added. Throws InternalError for an id outside [0, vocab_size).
  void finish(int64_t vocab_size);

 private:
  std::vector<int64_t> tokens_;
};

// What a pass needs beside weights and tokens.
struct TransformerContext {
  const ModelOptions& options;
  const Rotary* rotary = nullptr;       // null for GPT-2
  const DropoutKey* dropout = nullptr;  // null = none
  // Called with each layer's prepared keys and its values (AttentionResult::heads, qkv) when set;
  // the pass is then without gradient.
  std::function<void(size_t layer, const at::Tensor& heads, const at::Tensor& qkv)> on_keys;
};

// [sum of lengths - first, hidden_size]: what the head reads.
at::Tensor transformer_forward(const TransformerWeights& weights, const PackedTokens& tokens,
                               const TransformerContext& context);

}  // namespace pgtrain
