// The `rollout:` block of an experiment.
#pragma once

#include <cstdint>

#include "rollout/sampler.h"

namespace pgtrain {

struct RolloutOptions {
  int64_t prompts_per_step = 32;
  int64_t samples_per_prompt = 8;
  int64_t max_new_tokens = 48;
  double temperature = 1.0;
  int64_t top_k = 0;
  double top_p = 1.0;
  double min_p = 0.0;
  int64_t shard_size = 32;
};

void describe(Section& section, RolloutOptions& options);

// How training samples.
SamplerOptions sampler_options(const RolloutOptions& options);

}  // namespace pgtrain
