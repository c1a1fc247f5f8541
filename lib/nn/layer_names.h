// Hugging Face's names of the linear layers of transformers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nn/model_options.h"

namespace pgtrain {

// Within a block, in the order in which they are computed.
struct LayerNames {
  std::vector<std::string> qkv, output, up, down;
};

// options.is_transformer()
LayerNames layer_names(const ModelOptions& options);

// "model.layers.0." or "transformer.h.0."
std::string block_prefix(const ModelOptions& options, int64_t layer);

struct LayerSize {
  int64_t inputs = 0;
  int64_t outputs = 0;
};

// Of the linear layer whose name ends like one of layer_names(options).
LayerSize layer_size(const ModelOptions& options, const std::string& layer);

// The full names of all linear layers that can have adapters, "model.layers.0.self_attn.q_proj",
// ...; none for recurrent networks.
std::vector<std::string> adaptable_layers(const ModelOptions& options);

// Whether one of PEFT's target_modules names the layer: its whole name, or the end of it after a
// dot. An empty list names every layer.
bool is_adapted(const std::string& layer, const std::vector<std::string>& target_modules);

}  // namespace pgtrain
