// Small models and sequences for tests.
#pragma once

#include <memory>

#include "core/rng.h"
#include "nn/language_model.h"

namespace pgtrain::test {

inline ModelOptions tiny_options(const std::string& kind = "gru", int64_t vocab_size = 11,
                                 int64_t num_layers = 1) {
  ModelOptions options;
  options.kind = kind;
  options.vocab_size = vocab_size;
  options.embedding_size = 6;
  options.hidden_size = 8;
  options.num_layers = num_layers;
  return options;
}

inline std::unique_ptr<LanguageModel> tiny_model(const ModelOptions& options, uint64_t seed = 1) {
  auto model = make_language_model(options);
  model->initialise(seed);
  for (const auto& parameter : model->parameters()) parameter.tensor->requires_grad_(true);
  return model;
}

// Sequences with prompts of 1..4 and completions of 0..6 tokens, drawn from the seed.
inline std::vector<Sequence> random_sequences(int64_t count, int64_t vocab_size, uint64_t seed) {
  const Rng rng(seed, Purpose::kUser);
  std::vector<Sequence> sequences;
  for (int64_t i = 0; i < count; ++i) {
    Sequence sequence;
    const auto row = static_cast<uint64_t>(i);
    sequence.prompt_length = 1 + static_cast<int64_t>(4 * rng.uniform(row, 0));
    const int64_t length = sequence.prompt_length + static_cast<int64_t>(7 * rng.uniform(row, 1));
    for (int64_t t = 0; t < length; ++t)
      sequence.tokens.push_back(static_cast<int64_t>(
          static_cast<double>(vocab_size) * rng.uniform(row, 2, static_cast<uint32_t>(t))));
    sequences.push_back(sequence);
  }
  return sequences;
}

inline std::vector<const Sequence*> pointers(const std::vector<Sequence>& sequences) {
  std::vector<const Sequence*> result;
  for (const Sequence& sequence : sequences) result.push_back(&sequence);
  return result;
}

}  // namespace pgtrain::test
