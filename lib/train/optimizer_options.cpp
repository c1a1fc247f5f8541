#include "train/optimizer_options.h"

#include <algorithm>
#include <cmath>

#include "config/section.h"

namespace pgtrain {

void describe(Section& section, OptimizerOptions& options) {
  section.choice("kind", options.kind, {"adam", "adamw", "sgd"},
                 "adamw = adam with decoupled weight decay; sgd = plain steps, or with momentum");
  section.field("learning_rate", options.learning_rate, "step size", between(0.0, 10.0));
  section.field("beta1", options.beta1, "decay of the mean of gradients; adam and adamw",
                between(0.0, 0.999999));
  section.field("beta2", options.beta2, "decay of the mean of squared gradients; adam and adamw",
                between(0.0, 0.999999));
  section.field("epsilon", options.epsilon,
                "added to the root of the second moment; adam and adamw", between(1e-20, 1.0));
  section.field("momentum", options.momentum,
                "share of the last step's direction that is kept; sgd only; 0 = none",
                between(0.0, 0.999999));
  section.field("nesterov", options.nesterov, "look one step ahead; sgd with momentum only");
  section.field("weight_decay", options.weight_decay,
                "share of each weight taken away, times the learning rate; adamw and sgd",
                between(0.0, 10.0));
  section.field(
      "max_grad_norm", options.max_grad_norm,
      "the gradient (of policy and value head together) is scaled down to this norm; 0 = never",
      at_least(0.0));
  section.choice("schedule", options.schedule, {"constant", "linear", "cosine", "inverse_sqrt"},
                 "how the learning rate goes on after warmup_steps: as it is, down to 0 at "
                 "train.steps (linear, cosine), or by one over the root of the step");
  section.field("warmup_steps", options.warmup_steps,
                "steps over which the learning rate rises from 0; 0 = none", at_least(0));
  section.field("ema_decay", options.ema_decay,
                "evaluate with a moving average of the weights that keeps this share of itself in "
                "each step, and save it beside them; 0 = none",
                between(0.0, 0.9999999));
}

double schedule_factor(const std::string& schedule, int64_t step, int64_t steps,
                       int64_t warmup_steps) {
  if (step < warmup_steps) return static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  const double length = static_cast<double>(std::max<int64_t>(1, steps - warmup_steps));
  const double part = std::min(1.0, static_cast<double>(step - warmup_steps) / length);
  if (schedule == "inverse_sqrt")
    return std::sqrt(static_cast<double>(std::max<int64_t>(1, warmup_steps)) /
                     static_cast<double>(step + 1));
  if (schedule == "linear") return 1 - part;
  if (schedule == "cosine") return 0.5 * (1 + std::cos(3.14159265358979323846 * part));
  return 1;
}

bool schedule_needs_end(const std::string& schedule) {
  return schedule == "linear" || schedule == "cosine";
}

}  // namespace pgtrain
