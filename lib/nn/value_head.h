// V(s): a linear reading of the policy's hidden state, the learned baseline of actor-critic
// methods.
#pragma once

#include <torch/types.h>

#include "nn/language_model.h"

namespace pgtrain {

class ValueHead {
 public:
  // Starts at zero: V(s) = 0 until the first update, so that the first advantages are the returns.
  // trains_states: the value loss moves the layers below too, which then must not be the policy's.
  explicit ValueHead(int64_t hidden_size, bool trains_states = false);
  // [N] from hidden [N, hidden_size]; from a detached copy unless trains_states.
  at::Tensor values(const at::Tensor& hidden) const;
  std::vector<LanguageModel::Parameter> parameters();

 private:
  bool trains_states_;
  at::Tensor weight_;  // [1, hidden_size]
  at::Tensor bias_;    // [1]
};

}  // namespace pgtrain
