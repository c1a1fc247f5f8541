// Policies of the small pretrained model in data/models.
#pragma once

#include <cmath>
#include <memory>

#include "support/models.h"
#include "support/tensors.h"
#include "train/policy.h"

namespace pgtrain::test {

constexpr const char* kStories = "data/models/stories260K";

// Values that no initialisation gives, different for every parameter and seed.
inline void scramble(const Policy& policy, double seed) {
  double phase = seed;
  for (const auto& entry : policy.parameters().entries()) {
    at::Tensor value = ParameterBuffer::view(policy.parameters().values(), entry);
    const at::Tensor positions = torch::arange(value.numel(), torch::kFloat64).view(value.sizes());
    value.copy_(at::sin(positions * 0.7 + phase) * 0.05);
    phase += 1;
  }
}

inline LoraOptions small_lora() {
  LoraOptions lora;
  lora.rank = 3;
  lora.alpha = 5;
  lora.target_modules = {"q_proj", "down_proj"};
  return lora;
}

// New adapters on a model, as a run with model.lora makes them, with scrambled values.
inline std::unique_ptr<Policy> adapted_policy(const LoraOptions& lora = small_lora(),
                                              ValueNetwork value = ValueNetwork::kNone,
                                              const std::string& base = kStories, double seed = 1) {
  PolicySource source = open_policy_source(base, AdapterUse::kMerge);
  source.base = base;
  source.model.lora = lora;
  auto policy = std::make_unique<Policy>(std::move(source), value, 1);
  scramble(*policy, seed);
  return policy;
}

// Prompts and completions over the model's 512 tokens.
inline at::Tensor hidden_of(const Policy& policy) {
  const auto sequences = random_sequences(5, 512, 3);
  at::NoGradGuard guard;
  return policy.model().hidden(pointers(sequences));
}

}  // namespace pgtrain::test
