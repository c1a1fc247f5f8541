// Batched generation: prompts in, sampled completions with their log-probabilities out.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/rng.h"
#include "nn/language_model.h"
#include "nn/value_head.h"
#include "rollout/sampler.h"

namespace pgtrain {

struct GenerationOptions {
  int64_t max_new_tokens = 48;         // the end token counts
  std::vector<int64_t> end_ids = {2};  // any of them ends a completion
  SamplerOptions sampler;
  bool record_kept = false;  // fill Completion::kept
  // Called for every token as it is drawn, with the number of its completion.
  std::function<void(int64_t completion, int64_t id)> on_token;
};

struct Completion {
  Sequence sequence;
  std::vector<float>
      log_probs;              // of each completion token under the distribution it was drawn from
  std::vector<IdSet> kept;    // the ids that each token was drawn from; empty = always all, or not
                              // recorded
  std::vector<float> values;  // V before each completion token; empty without a value head
  bool finished = false;      // ended with the end token, not by max_new_tokens
};

// Which draw belongs to which token: (step, sequence, position) is the whole key, so a completion
// does not depend on its batch.
struct DrawKey {
  const Rng* rng = nullptr;
  uint64_t step = 0;
  uint32_t first_sequence = 0;  // number of the first completion of this call within the step
};

// samples_per_prompt completions of each prompt, prompt after prompt. Every prompt is read once;
// finished rows leave the batch.
std::vector<Completion> generate(const LanguageModel& model, const ValueHead* value_head,
                                 const std::vector<std::vector<int64_t>>& prompts,
                                 int64_t samples_per_prompt, const GenerationOptions& options,
                                 const DrawKey& key);

}  // namespace pgtrain
