// Rotary position embedding (Su et al. 2021) with the scalings of long-context models.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "nn/model_options.h"

namespace pgtrain {

class Rotary {
 public:
  // Frequencies as transformers computes them for options.rope_theta, rope_scaling and
  // rope_factors.
  explicit Rotary(const ModelOptions& options);

  // [positions, head_dim] of the dtype: cosines of the angles position * frequency_i, then their
  // sines, both times the attention factor. Angles are rounded to float32 as in the models' own
  // training.
  at::Tensor table(int64_t positions, at::ScalarType dtype) const;

  const std::vector<float>& frequencies() const { return frequencies_; }  // [head_dim / 2]
  double attention_factor() const { return attention_factor_; }

 private:
  std::vector<float> frequencies_;
  double attention_factor_ = 1;
};

}  // namespace pgtrain
