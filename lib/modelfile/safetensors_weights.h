// The weights of a Hugging Face folder: one safetensors file or several shards.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "modelfile/tensor_file.h"
#include "modelfile/weight_source.h"

namespace pgtrain {

// Names as transformers has them in memory, whatever the age of the checkpoint:
// - GPT-2 of the hub lacks the prefix "transformer."; it is added;
// - buffers that are no weights are left out: GPT-2's causal masks (attn.bias, attn.masked_bias),
//   rotary_emb.inv_freq;
// - with tied embeddings (tie_word_embeddings true, or absent for GPT-2) lm_head.weight is left
// out.
// F32, F16 and BF16 can be read. Throws DataError when two stored names become the same.
std::shared_ptr<WeightSource> make_safetensors_weights(std::vector<TensorFile> files,
                                                       const nlohmann::json& config);

}  // namespace pgtrain
