#include "nn/transformer_model.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/rng.h"
#include "nn/transformer_decode.h"
#include "nn/transformer_forward.h"

namespace pgtrain {
namespace {

constexpr double kDeviation = 0.02;
// Adapters draw from counters that no base tensor uses.
constexpr uint32_t kAdapterIndex = 1U << 30;

bool ends_with(const std::string& name, const std::string& end) {
  return name.size() >= end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0;
}

template <class Draw>
void fill(at::Tensor& tensor, const Draw& draw) {
  float* values = tensor.data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i)
    values[i] = static_cast<float>(draw(static_cast<uint64_t>(i)));
}

// The deviation of Hugging Face's initialisation; 0 for biases.
double deviation_of(const std::string& name, const ModelOptions& options) {
  if (ends_with(name, ".bias")) return 0;
  if (options.is_gpt2() && ends_with(name, "c_proj.weight"))
    return kDeviation / std::sqrt(2.0 * static_cast<double>(options.num_layers));
  return kDeviation;
}

void check_length(const Sequence& sequence, int64_t max_positions) {
  PG_CHECK(sequence.prompt_length >= 1 && sequence.completion_length() >= 0,
           "prompt of {} tokens, {} in all", sequence.prompt_length, sequence.tokens.size());
  const auto length = static_cast<int64_t>(sequence.tokens.size()) - 1;
  PG_CHECK(sequence.completion_length() == 0 || length <= max_positions,
           "{} tokens to read, at most {} positions", length, max_positions);
}

}  // namespace

TransformerModel::TransformerModel(const ModelOptions& options) : options_(options) {
  PG_CHECK(options.is_transformer(), "kind {}", options.kind);
  PG_CHECK(options.vocab_size > 0, "the vocabulary is empty");
  const HeadShape shape = head_shape(options);
  PG_CHECK(shape.kv_heads >= 1 && shape.query_heads % shape.kv_heads == 0,
           "{} heads read {} key/value heads", shape.query_heads, shape.kv_heads);
  PG_CHECK(!options.is_gpt2() || shape.query_columns() == options.hidden_size,
           "{} heads do not divide a hidden size of {}", shape.query_heads, options.hidden_size);
  if (options.is_llama()) rotary_.emplace(options);
  weights_ = make_weights(options);
  PG_CHECK(!options.lora.enabled() || !adapter_slots(weights_).empty(),
           "no layer has a name of lora.target_modules");
}

std::vector<LanguageModel::Parameter> TransformerModel::parameters() {
  std::vector<Parameter> result;
  for (const WeightSlot& slot :
       options_.lora.enabled() ? adapter_slots(weights_) : base_slots(weights_, options_))
    result.push_back({slot.name, slot.tensor});
  return result;
}

std::vector<LanguageModel::Parameter> TransformerModel::frozen_parameters() {
  std::vector<Parameter> result;
  if (!options_.lora.enabled()) return result;
  for (const WeightSlot& slot : base_slots(weights_, options_))
    result.push_back({slot.name, slot.tensor});
  return result;
}

std::vector<LanguageModel::NamedWeight> TransformerModel::merged_weights() {
  TransformerWeights merged = weights_;
  for (TransformerBlock& block : merged.blocks)
    for (LinearGroup* group : {&block.qkv, &block.output, &block.up, &block.down})
      for (Linear& part : group->parts)
        part.weight = merged_weight(part, group->input_major, options_.lora.scale());
  std::vector<NamedWeight> result;
  for (const WeightSlot& slot : base_slots(merged, options_))
    result.push_back({slot.name, slot.tensor->detach()});
  return result;
}

void TransformerModel::initialise(uint64_t seed) {
  const Rng rng(seed, Purpose::kInit);
  uint32_t index = 0;
  for (const WeightSlot& slot : base_slots(weights_, options_)) {
    const double deviation = deviation_of(slot.name, options_);
    if (slot.is_norm)
      slot.tensor->fill_(ends_with(slot.name, ".bias") ? 0 : 1);
    else if (deviation == 0)
      slot.tensor->zero_();
    else
      fill(*slot.tensor, [&](uint64_t i) { return deviation * rng.normal(i, index); });
    ++index;
  }
  initialise_adapters(seed);
}

void TransformerModel::initialise_adapters(uint64_t seed) {
  const Rng rng(seed, Purpose::kInit);
  uint32_t index = kAdapterIndex;
  for (const WeightSlot& slot : adapter_slots(weights_)) {
    // Kaiming-uniform with a = sqrt(5) is uniform within 1 / sqrt(inputs).
    const double bound = 1.0 / std::sqrt(static_cast<double>(slot.tensor->size(1)));
    if (ends_with(slot.name, "lora_B.weight"))
      slot.tensor->zero_();
    else
      fill(*slot.tensor, [&](uint64_t i) { return (2 * rng.uniform(i, index) - 1) * bound; });
    ++index;
  }
}

at::Tensor TransformerModel::hidden(const std::vector<const Sequence*>& batch,
                                    const DropoutKey& dropout) const {
  PG_CHECK(!batch.empty(), "an empty batch");
  PG_CHECK(dropout.rng == nullptr || dropout.sequences.size() == batch.size(),
           "{} numbers of sequences for dropout, {} sequences", dropout.sequences.size(),
           batch.size());
  DropoutKey key{dropout.rng, dropout.step, {}};
  std::vector<const Sequence*> read;
  for (size_t i = 0; i < batch.size(); ++i) {
    check_length(*batch[i], options_.max_positions);
    if (batch[i]->completion_length() == 0) continue;  // no state is wanted
    read.push_back(batch[i]);
    if (dropout.rng != nullptr) key.sequences.push_back(dropout.sequences[i]);
  }
  if (read.empty())
    return at::empty({0, options_.hidden_size}, weights_.embedding.options().requires_grad(false));
  const bool drops = dropout.rng != nullptr && options_.lora.enabled() && options_.lora.dropout > 0;
  PackedTokens tokens = pack_sequences(read, !drops);
  tokens.finish(options_.vocab_size);
  return transformer_forward(weights_, tokens, {options_, rotary_ ? &*rotary_ : nullptr, &key, {}});
}

std::unique_ptr<DecodeState> TransformerModel::decode_state() const {
  return make_transformer_decode_state(weights_, options_, rotary_ ? &*rotary_ : nullptr);
}

}  // namespace pgtrain
