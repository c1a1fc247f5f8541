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
  section.field("shard_size", options.shard_size,
                "completions that one worker generates together; results depend on it in the last "
                "bits, never on run.threads",
                between(1, 1 << 16));
}

}  // namespace pgtrain
