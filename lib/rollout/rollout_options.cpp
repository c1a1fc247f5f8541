#include "rollout/rollout_options.h"

#include "config/section.h"

namespace pgtrain {

void describe(Section& section, RolloutOptions& options) {
  section.field("prompts_per_step", options.prompts_per_step, "records drawn for one step",
                between(1, 1 << 20));
  section.field("samples_per_prompt", options.samples_per_prompt,
                "completions sampled for each record: the group", between(1, 1 << 16));
  section.field("max_new_tokens", options.max_new_tokens,
                "longest completion in tokens, the end token included", between(1, 1 << 20));
  section.field("temperature", options.temperature,
                "divides the logits, when sampling and in the loss, which so sees the distribution "
                "that was sampled from",
                between(1e-3, 1e3));
  section.field("top_k", options.top_k,
                "samples only the k most probable tokens; the loss sees the same tokens, with the "
                "same renormalised probabilities; 0 = all",
                between(0, 1 << 24));
  section.field("top_p", options.top_p,
                "samples only the smallest set of most probable tokens with this probability, in "
                "the loss too; 1 = all",
                between(1e-6, 1.0));
  section.field("min_p", options.min_p,
                "samples only tokens at least this share as probable as the most probable one, in "
                "the loss too; 0 = all",
                between(0.0, 1.0));
  section.field("shard_size", options.shard_size,
                "completions that one worker generates together; results depend on it in the last "
                "bits, never on run.threads",
                between(1, 1 << 16));
}

SamplerOptions sampler_options(const RolloutOptions& options) {
  SamplerOptions result;
  result.temperature = options.temperature;
  result.top_k = options.top_k;
  result.top_p = options.top_p;
  result.min_p = options.min_p;
  return result;
}

}  // namespace pgtrain
