// The matrix products of a step's passes over sequences, in floating-point operations: nn/flops.h
// for whole batches. Prompts count once for all samples of them in a micro-batch (length_shards),
// but for gradients with dropout.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/language_model.h"
#include "rollout/generator.h"
#include "train/policy.h"

namespace pgtrain {

using SequenceList = std::vector<const Sequence*>;
using Shards = std::vector<std::vector<int64_t>>;  // of length_shards

// Of generate(), group after group of samples_per_prompt completions.
double rollout_flops(const LanguageModel& model, const std::vector<Completion>& completions,
                     int64_t samples_per_prompt);

// Of frozen_log_probs.
double log_prob_flops(const LanguageModel& model, const SequenceList& sequences,
                      int64_t micro_batch);

// Of frozen_values with a value network of its own.
double value_flops(const LanguageModel& value_model, const SequenceList& sequences,
                   int64_t micro_batch);

// Of one gradient: both passes of the policy, and with_values of a value network of its own.
double gradient_flops(const Network& network, const SequenceList& sequences, bool with_values,
                      const Shards& shards);

}  // namespace pgtrain
