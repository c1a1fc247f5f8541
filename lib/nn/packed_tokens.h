// The tokens of texts that are read together, the common beginning of texts once.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "nn/language_model.h"
#include "nn/row_groups.h"

namespace pgtrain {

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

// Sequences with completions, without the last token of each, which predicts nothing that counts;
// finish() is to be called. With share_prompts the equal prompts of adjacent sequences are one
// beginning, whose last state predicts the first token of each completion.
PackedTokens pack_sequences(const std::vector<const Sequence*>& sequences, bool share_prompts);

}  // namespace pgtrain
