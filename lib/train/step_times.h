// Where the time of a step went, and the work that was done in it.
#pragma once

#include <chrono>
#include <cstdint>

#include "metrics/row.h"

namespace pgtrain {

class Stopwatch {
 public:
  // Seconds since it was made or last asked.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> passed = now - start_;
    start_ = now;
    return passed.count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// What the workers did for a rollout, added up over them.
struct CollectWork {
  double decode_seconds = 0;  // prompts to ids, generation
  double score_seconds = 0;   // ids to texts, rewards
  double decode_flops = 0;    // generation_flops of nn/flops.h

  CollectWork& operator+=(const CollectWork& other) {
    decode_seconds += other.decode_seconds;
    score_seconds += other.score_seconds;
    decode_flops += other.decode_flops;
    return *this;
  }
};

// What the updates on a rollout took, on the clock.
struct UpdateWork {
  double gradient_seconds = 0;   // forward and backward passes, the sum over the shards
  double optimizer_seconds = 0;  // norm of the gradient, clipping, new weights
  double flops = 0;              // with_backward of nn/flops.h of every sequence read
};

// Seconds. decode and score are worker-seconds divided by the number of workers, so that they and
// the workers' waiting add up to collect; all others are on the clock.
struct StepTimes {
  double step = 0;        // without reports, evaluation and checkpoint
  double collect = 0;     // prompts to scored completions
  double decode = 0;      // of collect
  double score = 0;       // of collect
  double advantages = 0;  // passes of reference and value network, rewards to advantages
  double update = 0;      // all updates of the step
  double gradient = 0;    // of update
  double optimizer = 0;   // of update
  int64_t tokens = 0;     // generated, with those of greedy and replaced completions
  double decode_flops = 0;
  double advantages_flops = 0;
  double update_flops = 0;

  double flops() const { return decode_flops + advantages_flops + update_flops; }
};

// The row of timing.jsonl; its columns: README.md of this folder.
Row timing_row(int64_t step, const StepTimes& times);

}  // namespace pgtrain
