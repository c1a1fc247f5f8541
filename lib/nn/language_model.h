// The contract of every policy: rows of hidden states for training, an incremental state for
// decoding, one linear head.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nn/dropout.h"
#include "nn/model_options.h"
#include "tensor/linear_log_prob.h"

namespace pgtrain {

// tokens = prompt then completion (with its end token, if it was reached); prompt_length >= 1. The
// completion may be empty.
struct Sequence {
  std::vector<int64_t> tokens;
  int64_t prompt_length = 0;
  int64_t completion_length() const { return static_cast<int64_t>(tokens.size()) - prompt_length; }
  bool has_prompt_of(const Sequence& other) const;
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
  // The tensors that training leaves alone, in a fixed order: the base weights of a model with
  // adapters; none otherwise.
  virtual std::vector<Parameter> frozen_parameters() { return {}; }
  // Makes the frozen tensors those of the other model, without a copy. Throws InternalError unless
  // it has frozen tensors of the same names and shapes.
  void share_frozen(LanguageModel& other);

  struct NamedWeight {
    std::string name;
    at::Tensor tensor;
  };
  // The whole network under the names of a model without adapters, adapters added to the weights:
  // views of the parameters where nothing was to add. Without gradient.
  virtual std::vector<NamedWeight> merged_weights();

  // Fills all parameters, frozen ones too, from counter-based draws of the seed alone, with the
  // default distributions of torch (gru, lstm) or Hugging Face (llama, gpt2).
  virtual void initialise(uint64_t seed) = 0;
  // Fills the adapters alone, with the values that initialise gives them.
  virtual void initialise_adapters(uint64_t /*seed*/) {}

  // [N, hidden_size]: the states that predict the completion tokens, sequence after sequence, so N
  // is the sum of the completion lengths. Equal prompts of adjacent sequences are read once where
  // that changes nothing but the order of sums. Differentiable. Throws InternalError for an empty
  // prompt, an id outside the vocabulary, or more tokens before the last than max_positions.
  //
  // dropout: which elements the adapters drop; a default key drops none, as decoding and evaluation
  // need it.
  virtual at::Tensor hidden(const std::vector<const Sequence*>& batch,
                            const DropoutKey& dropout) const = 0;
  at::Tensor hidden(const std::vector<const Sequence*>& batch) const {
    return hidden(batch, DropoutKey{});
  }
  virtual std::unique_ptr<DecodeState> decode_state() const = 0;

  // Tokens that a text can have for the model to read all of them; 0 = no limit. A text's last
  // token need not be read: prompt and completion together may have one more.
  virtual int64_t max_positions() const { return 0; }

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
