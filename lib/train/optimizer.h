// Optimisers on the flat parameter buffer, and learning-rate schedules.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/worker_pool.h"
#include "modelfile/tensor_file.h"
#include "nn/parameters.h"
#include "train/optimizer_options.h"

namespace pgtrain {

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
