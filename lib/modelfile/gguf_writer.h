// Writes a model as a GGUF file for llama.cpp.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "modelfile/tensor_file.h"
#include "text/gguf_vocabulary.h"

namespace pgtrain {

struct GgufWriteOptions {
  // "F32", "F16" or "Q8_0" for matrices. As llama.cpp's converter does, tensors of one dimension
  // and GPT-2's position embedding stay F32, and a matrix whose rows are no multiple of 32 becomes
  // F16 where Q8_0 was asked for.
  std::string dtype = "F16";
  std::string name;  // general.name; empty: none
};

// config: a Hugging Face config of type llama, mistral, qwen2, qwen3 or gpt2; tensors under Hugging
// Face names and in its layout, of any floating-point dtype. They are converted one at a time. With
// tie_word_embeddings an lm_head.weight is left out. rope_scaling linear and yarn become keys,
// llama3 and "pgtrain_rope_factors" become rope_freqs.weight. Version 3, atomic and durable as
// write_tensor_file. Throws DataError when the config lacks something, contradicts the tensors or
// asks for what GGUF or pgtrain lack (another model_type or rope type); DiskError; InternalError
// for undefined or repeated tensors.
void write_gguf(const std::filesystem::path& path, const nlohmann::json& config,
                const GgufVocabulary& vocabulary, const std::vector<NamedTensor>& tensors,
                const GgufWriteOptions& options = {});

}  // namespace pgtrain
