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

LayerSize layer_size(const ModelOptions& options, const std::string& layer) {
  const auto is = [&](const std::string& end) {
    return layer.size() >= end.size() &&
           layer.compare(layer.size() - end.size(), end.size(), end) == 0;
  };
  const int64_t hidden = options.hidden_size;
  const int64_t inner = options.resolved_intermediate_size();
  const int64_t query = options.num_heads * options.resolved_head_dim();
  const int64_t key = options.resolved_kv_heads() * options.resolved_head_dim();
  if (is("q_proj")) return {hidden, query};
  if (is("k_proj") || is("v_proj")) return {hidden, key};
  if (is("o_proj")) return {query, hidden};
  if (is("gate_proj") || is("up_proj") || is("c_fc")) return {hidden, inner};
  if (is("down_proj") || is("mlp.c_proj")) return {inner, hidden};
  if (is("c_attn")) return {hidden, 3 * hidden};
  return {hidden, hidden};  // attn.c_proj
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
