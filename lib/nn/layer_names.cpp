#include "nn/layer_names.h"

#include <algorithm>

namespace pgtrain {

LayerNames layer_names(const ModelOptions& options) {
  if (options.is_gpt2()) return {{"attn.c_attn"}, {"attn.c_proj"}, {"mlp.c_fc"}, {"mlp.c_proj"}};
  return {{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"},
          {"self_attn.o_proj"},
          {"mlp.gate_proj", "mlp.up_proj"},
          {"mlp.down_proj"}};
}

std::string block_prefix(const ModelOptions& options, int64_t layer) {
  return (options.is_gpt2() ? "transformer.h." : "model.layers.") + std::to_string(layer) + ".";
}

std::vector<std::string> adaptable_layers(const ModelOptions& options) {
  std::vector<std::string> result;
  if (!options.is_transformer()) return result;
  const LayerNames names = layer_names(options);
  for (int64_t layer = 0; layer < options.num_layers; ++layer)
    for (const auto* group : {&names.qkv, &names.output, &names.up, &names.down})
      for (const std::string& name : *group) result.push_back(block_prefix(options, layer) + name);
  return result;
}

bool is_adapted(const std::string& layer, const std::vector<std::string>& target_modules) {
  if (target_modules.empty()) return true;
  return std::any_of(target_modules.begin(), target_modules.end(), [&](const std::string& target) {
    const std::string end = "." + target;
    return layer == target || (layer.size() > end.size() &&
                               layer.compare(layer.size() - end.size(), end.size(), end) == 0);
  });
}

}  // namespace pgtrain
