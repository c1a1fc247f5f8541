// The contract of every policy: rows of hidden states for training, an incremental state for
// decoding, one linear head.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nn/model_options.h"
#include "tensor/linear_log_prob.h"

namespace pgtrain {

// tokens = prompt then completion (with its end token, if it was reached); prompt_length >= 1. The
// completion may be empty.
struct Sequence {
  std::vector<int64_t> tokens;
  int64_t prompt_length = 0;
  int64_t completion_length() const { return static_cast<int64_t>(tokens.size()) - prompt_length; }
};

// A batch of half-read texts during generation; one for each worker. No gradients. `hidden` and
// `logits` results are views of buffers that the next call overwrites.
class DecodeState {
 public:
  virtual ~DecodeState() = default;
  // Reads the prompts (each at least one token); afterwards there is one row a prompt, in their
  // order.
  virtual void start(const std::vector<std::vector<int64_t>>& prompts) = 0;
  // Row i becomes a copy of the present row rows[i]; used to spread a prompt over its samples and
  // to drop finished rows.
  virtual void select(const std::vector<int64_t>& rows) = 0;
  // Every row reads one more token.
  virtual void step(const std::vector<int64_t>& tokens) = 0;
  // [rows, hidden_size]: what the head reads to predict each row's next token.
  virtual at::Tensor hidden() const = 0;
};

class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  struct Parameter {
    std::string name;
    at::Tensor* tensor;
  };
  // Every trainable tensor under a stable name, in a fixed order: what checkpoints store and
  // ParameterBuffer owns.
  virtual std::vector<Parameter> parameters() = 0;
  // Fills the parameters from counter-based draws of the seed alone, with torch's default
  // distributions.
  virtual void initialise(uint64_t seed) = 0;

  // [N, hidden_size]: the states that predict the completion tokens, sequence after sequence, so N
  // is the sum of the completion lengths. Differentiable. Throws InternalError for an empty prompt
  // or an id outside the vocabulary.
  virtual at::Tensor hidden(const std::vector<const Sequence*>& batch) const = 0;
  virtual std::unique_ptr<DecodeState> decode_state() const = 0;

  virtual at::Tensor embedding_weight() const = 0;  // [vocab_size, embedding_size]
  virtual at::Tensor head_weight() const = 0;       // [vocab_size, hidden_size]
  virtual at::Tensor head_bias() const = 0;         // [vocab_size] or undefined
  virtual const ModelOptions& options() const = 0;
};

// An uninitialised model. kind, sizes as in options; vocab_size must be set.
std::unique_ptr<LanguageModel> make_language_model(const ModelOptions& options);

// The completion tokens of the batch in the row order of LanguageModel::hidden, [N] int64.
at::Tensor completion_ids(const std::vector<const Sequence*>& batch);

}  // namespace pgtrain
