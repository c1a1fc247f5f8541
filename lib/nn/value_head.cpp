#include "nn/value_head.h"

#include <ATen/ATen.h>

namespace pgtrain {

ValueHead::ValueHead(int64_t hidden_size, bool trains_states)
    : trains_states_(trains_states), weight_(at::zeros({1, hidden_size})), bias_(at::zeros({1})) {}

at::Tensor ValueHead::values(const at::Tensor& hidden) const {
  return at::addmm(bias_, trains_states_ ? hidden : hidden.detach(), weight_.t()).squeeze(1);
}

std::vector<LanguageModel::Parameter> ValueHead::parameters() {
  return {{"value_head.weight", &weight_}, {"value_head.bias", &bias_}};
}

}  // namespace pgtrain
