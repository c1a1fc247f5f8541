#include "train/optimizer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "tensor/row_kernels.h"

namespace pgtrain {
namespace {

constexpr int64_t kBlock = 1 << 16;

int64_t blocks_of(int64_t size) { return (size + kBlock - 1) / kBlock; }

void append_state(std::vector<NamedTensor>& result, const ParameterBuffer& parameters,
                  const std::string& name, const at::Tensor& flat) {
  for (const auto& entry : parameters.entries())
    result.push_back({name + "." + entry.name, ParameterBuffer::view(flat, entry)});
}

}  // namespace

double gradient_norm(const ParameterBuffer& parameters, WorkerPool& pool) {
  const int64_t size = parameters.size();
  const float* gradient = parameters.gradient().data_ptr<float>();
  std::vector<double> sums(static_cast<size_t>(blocks_of(size)));
  pool.run(blocks_of(size), [&](int64_t block, int) {
    const int64_t end = std::min(size, (block + 1) * kBlock);
    double lanes[8] = {};
    for (int64_t i = block * kBlock; i < end; ++i) {
      const auto g = static_cast<double>(gradient[i]);
      lanes[i % 8] += g * g;
    }
    for (const double lane : lanes) sums[block] += lane;
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return std::sqrt(total);
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options,
                                          const ParameterBuffer& parameters) {
  if (options.kind == "sgd") return std::make_unique<Sgd>(parameters, options.momentum > 0);
  return std::make_unique<Adam>(parameters);
}

Adam::Adam(const ParameterBuffer& parameters)
    : parameters_(parameters),
      m_(flat_zeros(parameters.size())),
      v_(flat_zeros(parameters.size())) {}

void Adam::step(WorkerPool& pool, const OptimizerOptions& options, double learning_rate,
                double gradient_scale) {
  ++steps_;
  const double t = static_cast<double>(steps_);
  AdamStep<float> numbers{};
  numbers.gradient_scale = static_cast<float>(gradient_scale);
  numbers.beta1 = static_cast<float>(options.beta1);
  numbers.complement1 = static_cast<float>(1 - options.beta1);
  numbers.beta2 = static_cast<float>(options.beta2);
  numbers.complement2 = static_cast<float>(1 - options.beta2);
  numbers.epsilon = static_cast<float>(options.epsilon);
  numbers.keep = static_cast<float>(1 - learning_rate * options.weight_decay);
  numbers.step_size = static_cast<float>(learning_rate / (1 - std::pow(options.beta1, t)));
  numbers.root_correction = static_cast<float>(1 / std::sqrt(1 - std::pow(options.beta2, t)));
  float* value = parameters_.values().data_ptr<float>();
  const float* gradient = parameters_.gradient().data_ptr<float>();
  float* m = m_.data_ptr<float>();
  float* v = v_.data_ptr<float>();
  const int64_t size = parameters_.size();
  pool.run(blocks_of(size), [&](int64_t block, int) {
    const int64_t start = block * kBlock;
    row_kernels<float>().adam(value + start, gradient + start, m + start, v + start,
                              std::min(kBlock, size - start), numbers);
  });
}

std::vector<NamedTensor> Adam::state() const {
  std::vector<NamedTensor> result;
  append_state(result, parameters_, "exp_avg", m_);
  append_state(result, parameters_, "exp_avg_sq", v_);
  return result;
}

Sgd::Sgd(const ParameterBuffer& parameters, bool with_momentum) : parameters_(parameters) {
  if (with_momentum) momentum_ = flat_zeros(parameters.size());
}

void Sgd::step(WorkerPool& pool, const OptimizerOptions& options, double learning_rate,
               double gradient_scale) {
  ++steps_;
  const auto scale = static_cast<float>(gradient_scale);
  const auto decay = static_cast<float>(options.weight_decay);
  const auto keep = static_cast<float>(options.momentum);
  const auto rate = static_cast<float>(learning_rate);
  float* value = parameters_.values().data_ptr<float>();
  const float* gradient = parameters_.gradient().data_ptr<float>();
  float* momentum = momentum_.defined() ? momentum_.data_ptr<float>() : nullptr;
  const int64_t size = parameters_.size();
  // Starting from zero, momentum m + g is g: what torch does in its first step.
  pool.run(blocks_of(size), [&](int64_t block, int) {
    const int64_t end = std::min(size, (block + 1) * kBlock);
    for (int64_t i = block * kBlock; i < end; ++i) {
      float direction = gradient[i] * scale + decay * value[i];
      if (momentum != nullptr) {
        momentum[i] = keep * momentum[i] + direction;
        direction = options.nesterov ? direction + keep * momentum[i] : momentum[i];
      }
      value[i] -= rate * direction;
    }
  });
}

std::vector<NamedTensor> Sgd::state() const {
  std::vector<NamedTensor> result;
  if (momentum_.defined()) append_state(result, parameters_, "momentum_buffer", momentum_);
  return result;
}

}  // namespace pgtrain
