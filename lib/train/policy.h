// A policy with everything that its use needs: tokenizer, network, value head, parameters in one
// buffer.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "modelfile/tensor_file.h"
#include "nn/language_model.h"
#include "nn/parameters.h"
#include "nn/value_head.h"
#include "text/tokenizer.h"

namespace pgtrain {

class Policy {
 public:
  // options.vocab_size must be at least the tokenizer's. Parameters are initialised from the seed.
  Policy(std::unique_ptr<Tokenizer> tokenizer, const ModelOptions& options, bool with_value_head,
         uint64_t seed);

  // Opens a checkpoint folder (config.json, tokenizer.json, model.safetensors). Throws DataError.
  static std::unique_ptr<Policy> open(const std::filesystem::path& folder);

  // Writes those three files into an existing folder. Throws DiskError.
  void write(const std::filesystem::path& folder) const;
  // Fills the parameters from a model.safetensors with exactly these names and shapes. Throws
  // DataError.
  void read_parameters(const std::filesystem::path& file);

  const Tokenizer& tokenizer() const { return *tokenizer_; }
  LanguageModel& model() { return *model_; }
  const LanguageModel& model() const { return *model_; }
  const ValueHead* value_head() const { return value_head_.get(); }
  const ParameterBuffer& parameters() const { return *parameters_; }

  // A second network over the same parameter values, with gradients of its own.
  struct Replica {
    std::unique_ptr<LanguageModel> model;
    std::unique_ptr<ValueHead> value_head;
    at::Tensor gradient;
  };
  Replica replicate() const;

 private:
  std::vector<NamedTensor> named_values() const;

  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<LanguageModel> model_;
  std::unique_ptr<ValueHead> value_head_;
  std::unique_ptr<ParameterBuffer> parameters_;
};

}  // namespace pgtrain
