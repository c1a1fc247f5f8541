// The packed forward pass of a transformer: texts one after the other, without padding; the common
// beginning of texts is read once.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "nn/dropout.h"
#include "nn/rotary.h"
#include "nn/row_groups.h"
#include "nn/transformer_weights.h"

namespace pgtrain {

// Texts that are read together.
struct PackedTokens {
  at::Tensor ids;                // [rows] int64, each within the vocabulary
  std::vector<RowGroup> groups;  // first: the position from which states are wanted

  // A text, or the beginning of the texts that branch() adds after it. length >= 1.
  void add(const int64_t* tokens, int64_t length, int64_t first_wanted);
  // The rest of a text that begins with what was added last; may be empty.
  void branch(const int64_t* tokens, int64_t length);
  bool has_branches() const;
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

// [N, hidden_size]: what the head reads, text after text from `first` on: the states of a common
// beginning come again for each text. With dropout no texts may share one.
at::Tensor transformer_forward(const TransformerWeights& weights, const PackedTokens& tokens,
                               const TransformerContext& context);

}  // namespace pgtrain
