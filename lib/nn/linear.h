// Linear layers that read the same input, computed together, and their low-rank adapters.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace pgtrain {

// weight [outputs, inputs], or [inputs, outputs] in a group that is input-major (GPT-2's Conv1D).
struct Linear {
  std::string name;  // "self_attn.q_proj"
  at::Tensor weight;
  at::Tensor bias;    // [outputs] or undefined
  at::Tensor lora_a;  // [rank, inputs] or undefined
  at::Tensor lora_b;  // [outputs, rank] or undefined
};

// x -> [y_1 | y_2 | ...] side by side.
struct LinearGroup {
  std::vector<Linear> parts;
  bool input_major = false;

  int64_t inputs() const;
  int64_t outputs(size_t part) const;
  int64_t outputs() const;
};

// Dropout on the input of the adapters of one group. Part i drops with keys[row] + i.
struct AdapterDropout {
  std::vector<int64_t> keys;  // a row each; empty = nothing is dropped
  double rate = 0;            // in [0, 1)
};

// x [N, inputs] -> [N, outputs], plus residual [N, outputs] where that is defined (groups of one
// part only), plus adapter_scale * B A dropout(x) for the parts with adapters. Differentiable in
// all tensors; weight gradients go through GradientSink, and weights that need none cost nothing.
// Weights that lie one after the other in memory are multiplied at once.
at::Tensor linear(const at::Tensor& x, const LinearGroup& group, double adapter_scale,
                  const AdapterDropout& dropout, const at::Tensor& residual = {});

// The group as one part with the adapters added to the weights: a view when nothing is to do, else
// a copy. Without gradient.
LinearGroup fused(const LinearGroup& group, double adapter_scale);

// The weight of one part with its adapter added, in its own layout; the weight itself without one.
at::Tensor merged_weight(const Linear& part, bool input_major, double adapter_scale);

}  // namespace pgtrain
