// Embedding, GRU or LSTM layers, linear head: with kind gru, vocabulary 10000, embedding and hidden
// size 512 and one layer this is the classic policy-gradient example's model exactly.
#pragma once

#include "nn/language_model.h"
#include "nn/recurrent.h"

namespace pgtrain {

class RnnModel final : public LanguageModel {
 public:
  explicit RnnModel(const ModelOptions& options);

  std::vector<Parameter> parameters() override;
  void initialise(uint64_t seed) override;
  using LanguageModel::hidden;
  // There are no adapters, so nothing is dropped.
  at::Tensor hidden(const std::vector<const Sequence*>& batch,
                    const DropoutKey& dropout) const override;
  std::unique_ptr<DecodeState> decode_state() const override;
  at::Tensor embedding_weight() const override { return embedding_; }
  at::Tensor head_weight() const override { return head_weight_; }
  at::Tensor head_bias() const override { return head_bias_; }
  const ModelOptions& options() const override { return options_; }

  CellKind cell() const { return cell_; }
  const at::Tensor& embedding() const { return embedding_; }
  const std::vector<RecurrentWeights>& layers() const { return layers_; }

 private:
  ModelOptions options_;
  CellKind cell_;
  at::Tensor embedding_;  // [vocab_size, embedding_size]
  std::vector<RecurrentWeights> layers_;
  at::Tensor head_weight_;  // [vocab_size, hidden_size]
  at::Tensor head_bias_;    // [vocab_size]
};

}  // namespace pgtrain
