// Adam and AdamW on the flat parameter buffer, and learning-rate schedules.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/worker_pool.h"
#include "modelfile/tensor_file.h"
#include "nn/parameters.h"

namespace pgtrain {

class Section;

struct OptimizerOptions {
  std::string kind = "adamw";  // adam | adamw
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;   // adamw only
  double max_grad_norm = 1.0;  // 0 = no clipping
  std::string schedule =
      "constant";  // constant | linear | cosine, after warmup_steps of linear rise
  int64_t warmup_steps = 0;
};

void describe(Section& section, OptimizerOptions& options);

// Factor of the learning rate for step `step` (from 0) of `steps`: (step + 1) / warmup_steps while
// that is below 1, then with p = (step - warmup_steps) / (steps - warmup_steps): constant 1, linear
// 1 - p, cosine (1 + cos(pi p)) / 2.
double schedule_factor(const std::string& schedule, int64_t step, int64_t steps,
                       int64_t warmup_steps);

// Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019), as
// torch.optim.Adam / AdamW:
//   m = beta1 m + (1 - beta1) g    v = beta2 v + (1 - beta2) g^2
//   theta = theta (1 - lr decay) - lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + epsilon)
// Work is cut into blocks of fixed size, so the bits do not depend on the number of threads.
class Adam {
 public:
  explicit Adam(const ParameterBuffer& parameters);

  // sqrt(sum g^2) in float64.
  double gradient_norm(WorkerPool& pool) const;
  // One step with the buffer's gradient times gradient_scale.
  void step(WorkerPool& pool, const OptimizerOptions& options, double learning_rate,
            double gradient_scale);

  // Moments by parameter: "exp_avg.NAME", "exp_avg_sq.NAME"; the tensors are views, so they can be
  // read and restored.
  std::vector<NamedTensor> state() const;
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  const ParameterBuffer& parameters_;
  at::Tensor m_;
  at::Tensor v_;
  int64_t steps_ = 0;
};

}  // namespace pgtrain
