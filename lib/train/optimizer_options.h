// The `optimizer:` block of an experiment and the learning-rate schedules.
#pragma once

#include <cstdint>
#include <string>

namespace pgtrain {

class Section;

struct OptimizerOptions {
  std::string kind = "adamw";  // adam | adamw | sgd
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double momentum = 0.0;              // sgd only; 0 = none
  bool nesterov = false;              // sgd only
  double weight_decay = 0.0;          // adamw and sgd
  double max_grad_norm = 1.0;         // 0 = no clipping
  std::string schedule = "constant";  // after warmup_steps of linear rise
  int64_t warmup_steps = 0;
  double ema_decay = 0.0;  // 0 = no average of the weights
};

void describe(Section& section, OptimizerOptions& options);

// Factor of the learning rate for step `step` (from 0) of `steps`: (step + 1) / warmup_steps while
// that is below 1, then with p = (step - warmup_steps) / (steps - warmup_steps): constant 1, linear
// 1 - p, cosine (1 + cos(pi p)) / 2; inverse_sqrt sqrt(w / (step + 1)) with w = max(1,
// warmup_steps) (Vaswani et al. 2017, section 5.3, scaled to 1 at the end of the rise).
double schedule_factor(const std::string& schedule, int64_t step, int64_t steps,
                       int64_t warmup_steps);
// The schedule ends at train.steps, so that they may not change half-way.
bool schedule_needs_end(const std::string& schedule);

}  // namespace pgtrain
