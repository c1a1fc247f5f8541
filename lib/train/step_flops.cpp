#include "train/step_flops.h"

#include "nn/flops.h"

namespace pgtrain {
namespace {

ForwardFlops policy_pass(const LanguageModel& model, const SequenceList& sequences) {
  ForwardFlops flops;
  for (const Sequence* sequence : sequences)
    flops +=
        sequence_flops(model.options(), sequence->prompt_length, sequence->completion_length());
  return flops;
}

// The states alone: nobody asks for the next token.
ForwardFlops value_pass(const LanguageModel& model, const SequenceList& sequences) {
  ForwardFlops flops;
  for (const Sequence* sequence : sequences) {
    const int64_t length = sequence->completion_length();
    if (length > 0)
      flops += reading_flops(model.options(), 0, sequence->prompt_length + length - 1, length);
  }
  return flops;
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

double log_prob_flops(const LanguageModel& model, const SequenceList& sequences) {
  return policy_pass(model, sequences).total();
}

double value_flops(const LanguageModel& value_model, const SequenceList& sequences) {
  return value_pass(value_model, sequences).total();
}

double gradient_flops(const Network& network, const SequenceList& sequences, bool with_values) {
  const double policy = policy_pass(*network.model, sequences).with_backward();
  if (!with_values || !network.value_model) return policy;
  return policy + value_pass(*network.value_model, sequences).with_backward();
}

}  // namespace pgtrain
