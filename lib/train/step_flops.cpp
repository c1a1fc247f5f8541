#include "train/step_flops.h"

#include "nn/flops.h"
#include "train/forward.h"

namespace pgtrain {
namespace {

// Adds up first(sequence) for the first sample of each prompt in a micro-batch and
// further(sequence) for the others.
template <class First, class Further>
ForwardFlops sum(const SequenceList& sequences, const Shards& shards, bool shares,
                 const First& first, const Further& further) {
  ForwardFlops flops;
  for (const auto& shard : shards)
    for (size_t i = 0; i < shard.size(); ++i) {
      const Sequence& sequence = *sequences[shard[i]];
      const bool again = shares && i > 0 && sequence.has_prompt_of(*sequences[shard[i - 1]]);
      flops += again ? further(sequence) : first(sequence);
    }
  return flops;
}

ForwardFlops policy_pass(const LanguageModel& model, const SequenceList& sequences,
                         const Shards& shards, bool with_dropout) {
  const ModelOptions& options = model.options();
  const bool drops = with_dropout && options.lora.enabled() && options.lora.dropout > 0;
  const auto whole = [&](const Sequence& s) {
    return sequence_flops(options, s.prompt_length, s.completion_length());
  };
  const auto sample = [&](const Sequence& s) {
    return sample_flops(options, s.prompt_length, s.completion_length());
  };
  return sum(sequences, shards, !drops, whole, sample);
}

// The states alone: nobody asks for the next token.
ForwardFlops value_pass(const LanguageModel& model, const SequenceList& sequences,
                        const Shards& shards) {
  const auto end = [](const Sequence& s) { return static_cast<int64_t>(s.tokens.size()) - 1; };
  const auto whole = [&](const Sequence& s) {
    return reading_flops(model.options(), 0, end(s), s.completion_length());
  };
  const auto sample = [&](const Sequence& s) {
    return reading_flops(model.options(), s.prompt_length, end(s), s.completion_length() - 1);
  };
  return sum(sequences, shards, true, whole, sample);
}

}  // namespace

double rollout_flops(const LanguageModel& model, const std::vector<Completion>& completions,
                     int64_t samples_per_prompt) {
  const auto group = static_cast<size_t>(samples_per_prompt);
  double flops = 0;
  for (size_t first = 0; first < completions.size(); first += group) {
    std::vector<int64_t> lengths;
    for (size_t i = first; i < first + group; ++i)
      lengths.push_back(completions[i].sequence.completion_length());
    flops += generation_flops(model.options(), completions[first].sequence.prompt_length, lengths);
  }
  return flops;
}

double log_prob_flops(const LanguageModel& model, const SequenceList& sequences,
                      int64_t micro_batch) {
  return policy_pass(model, sequences, length_shards(sequences, micro_batch), false).total();
}

double value_flops(const LanguageModel& value_model, const SequenceList& sequences,
                   int64_t micro_batch) {
  return value_pass(value_model, sequences, length_shards(sequences, micro_batch)).total();
}

double gradient_flops(const Network& network, const SequenceList& sequences, bool with_values,
                      const Shards& shards) {
  const double policy = policy_pass(*network.model, sequences, shards, true).with_backward();
  if (!with_values || !network.value_model) return policy;
  return policy + value_pass(*network.value_model, sequences, shards).with_backward();
}

}  // namespace pgtrain
