// Optimisers on the flat parameter buffer, and learning-rate schedules.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/worker_pool.h"
#include "modelfile/tensor_file.h"
#include "nn/parameters.h"

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

// sqrt(sum g^2) of the buffer's gradient, in float64.
double gradient_norm(const ParameterBuffer& parameters, WorkerPool& pool);

// Work is cut into blocks of fixed size, so the bits do not depend on the number of threads.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // One step with the buffer's gradient times gradient_scale.
  virtual void step(WorkerPool& pool, const OptimizerOptions& options, double learning_rate,
                    double gradient_scale) = 0;
  // Moments by parameter, "exp_avg.NAME" and so on; the tensors are views, so they can be read and
  // restored.
  virtual std::vector<NamedTensor> state() const = 0;

  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 protected:
  int64_t steps_ = 0;
};

// By options.kind, with moments of zero.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options,
                                          const ParameterBuffer& parameters);

// Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019), as
// torch.optim.Adam / AdamW:
//   m = beta1 m + (1 - beta1) g    v = beta2 v + (1 - beta2) g^2
//   theta = theta (1 - lr decay) - lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + epsilon)
// State: exp_avg, exp_avg_sq.
class Adam : public Optimizer {
 public:
  explicit Adam(const ParameterBuffer& parameters);
  void step(WorkerPool& pool, const OptimizerOptions& options, double learning_rate,
            double gradient_scale) override;
  std::vector<NamedTensor> state() const override;

 private:
  const ParameterBuffer& parameters_;
  at::Tensor m_;
  at::Tensor v_;
};

// Stochastic gradient descent as torch.optim.SGD without dampening:
//   g = g + decay theta    m = momentum m + g (the first time m = g)
//   theta = theta - lr (m, or g + momentum m with nesterov; g without momentum)
// State: momentum_buffer, with momentum only.
class Sgd : public Optimizer {
 public:
  Sgd(const ParameterBuffer& parameters, bool with_momentum);
  void step(WorkerPool& pool, const OptimizerOptions& options, double learning_rate,
            double gradient_scale) override;
  std::vector<NamedTensor> state() const override;

 private:
  const ParameterBuffer& parameters_;
  at::Tensor momentum_;  // undefined without
};

}  // namespace pgtrain
