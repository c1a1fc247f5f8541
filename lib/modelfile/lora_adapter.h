// LoRA adapters in PEFT's folder format: adapter_config.json and adapter_model.safetensors, whose
// tensors are base_model.model.MODULE.lora_A.weight [r, in] and ...lora_B.weight [out, r].
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "modelfile/tensor_file.h"

namespace pgtrain {

struct LoraAdapter {
  int64_t rank = 8;
  double alpha = 8;
  bool use_rslora = false;  // scale alpha / sqrt(rank) instead of alpha / rank
  double dropout = 0;
  bool fan_in_fan_out = false;  // the base's weights are [in, out] (GPT-2)
  std::vector<std::string> target_modules;  // sorted; a module is meant when its name is one of
                                            // these or ends in "." and one of these
  std::string base_model;                   // base_model_name_or_path; may be empty
  struct Pair {
    std::string module;  // "model.layers.0.self_attn.q_proj": the weight's name without ".weight"
    at::Tensor a;        // [rank, in], float32
    at::Tensor b;        // [out, rank], float32
  };
  std::vector<Pair> pairs;  // sorted by module

  double scale() const;
};

// Reads both files strictly. Throws DataError for anything that would change the model beyond
// W + scale B A and that would otherwise be ignored: another PEFT method, DoRA, biases,
// modules_to_save, rank or alpha patterns, layer selections, target_modules as a regular
// expression, initialisations that change the base's weights (PiSSA, OLoRA, ...); and for tensors
// that do not fit the config: no partner, another rank, no target module, unknown names.
LoraAdapter read_lora_adapter(const std::filesystem::path& folder);

// The same from contents in memory; the names stand in messages.
LoraAdapter parse_lora_adapter(const nlohmann::json& config, const std::string& config_name,
                               const TensorFile& tensors);

// The content of adapter_config.json.
nlohmann::json to_json(const LoraAdapter& adapter);

// Writes a folder that PEFT loads, atomic and durable; float32. Throws DataError when the folder
// exists and is not empty, DiskError; InternalError when pairs do not fit the rank.
void write_lora_adapter(const std::filesystem::path& folder, const LoraAdapter& adapter);

// weight + scale B A as a new tensor of the weight's dtype, computed in float32 (float64 for a
// float64 weight); `transposed`: weight is [in, out]. Throws InternalError when shapes do not fit.
at::Tensor merged(const at::Tensor& weight, const at::Tensor& a, const at::Tensor& b, double scale,
                  bool transposed);

}  // namespace pgtrain
