// Texts as vectors, by the policy's own token embeddings: what reward metric embedding_cosine
// compares.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"
#include "train/policy.h"

namespace pgtrain {

// Holds the embeddings of one moment, the start of the policy-gradient phase, because a measure
// that moves with the policy could be raised without better texts.
class Embedder {
 public:
  bool is_set() const { return table_.defined(); }

  // Copies the policy's embeddings of now.
  void freeze(const Policy& policy);

  // reward_embedding.safetensors in a checkpoint: the tensor "embedding".
  void write(const std::filesystem::path& folder) const;
  // Throws DataError: missing, damaged, or not of the policy's shape.
  void read(const std::filesystem::path& folder, const Policy& policy);
  static bool is_in(const std::filesystem::path& folder);

  // The mean of the embeddings of the text's tokens, [embedding_size]; zeros for a text without
  // tokens. May be called from several threads. is_set() must hold.
  std::vector<float> embed(const Tokenizer& tokenizer, std::string_view text) const;

 private:
  at::Tensor table_;  // [vocab_size, embedding_size], contiguous float32
};

}  // namespace pgtrain
