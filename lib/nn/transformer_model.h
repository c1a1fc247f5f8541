// Llama-type and GPT-2-type policies, with or without low-rank adapters.
//
// Llama-type (Touvron et al. 2023; also Mistral, Qwen2 and Qwen3): RMSNorm, rotary positions,
// grouped queries, SwiGLU. GPT-2-type (Radford et al. 2019): learned positions, LayerNorm, GELU.
// Parameters have Hugging Face's names, shapes and layouts; a tied head is listed once.
#pragma once

#include <optional>

#include "nn/language_model.h"
#include "nn/rotary.h"
#include "nn/transformer_weights.h"

namespace pgtrain {

class TransformerModel final : public LanguageModel {
 public:
  // options.is_transformer(), sizes that fit each other (check_model).
  explicit TransformerModel(const ModelOptions& options);

  std::vector<Parameter> parameters() override;
  std::vector<Parameter> frozen_parameters() override;
  std::vector<NamedWeight> merged_weights() override;
  void initialise(uint64_t seed) override;
  void initialise_adapters(uint64_t seed) override;
  using LanguageModel::hidden;
  at::Tensor hidden(const std::vector<const Sequence*>& batch,
                    const DropoutKey& dropout) const override;
  std::unique_ptr<DecodeState> decode_state() const override;
  int64_t max_positions() const override { return options_.max_positions; }
  at::Tensor embedding_weight() const override { return weights_.embedding; }
  at::Tensor head_weight() const override {
    return weights_.head.defined() ? weights_.head : weights_.embedding;
  }
  at::Tensor head_bias() const override { return {}; }
  const ModelOptions& options() const override { return options_; }

 private:
  ModelOptions options_;
  std::optional<Rotary> rotary_;
  TransformerWeights weights_;
};

}  // namespace pgtrain
