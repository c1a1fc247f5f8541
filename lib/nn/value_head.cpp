#include "nn/value_head.h"

#include <ATen/ATen.h>

namespace pgtrain {

ValueHead::ValueHead(int64_t hidden_size)
    : weight_(at::zeros({1, hidden_size})), bias_(at::zeros({1})) {}

at::Tensor ValueHead::values(const at::Tensor& hidden) const {
  return at::addmm(bias_, hidden.detach(), weight_.t()).squeeze(1);
}

std::vector<LanguageModel::Parameter> ValueHead::parameters() {
  return {{"value_head.weight", &weight_}, {"value_head.bias", &bias_}};
}

}  // namespace pgtrain
