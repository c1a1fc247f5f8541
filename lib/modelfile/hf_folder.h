// A model folder in the Hugging Face layout: what stands in it, read and written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "modelfile/tensor_file.h"
#include "modelfile/weight_source.h"

namespace pgtrain {

// All but the weights. JSON that the folder lacks is null, text that it lacks is empty.
struct ModelFiles {
  nlohmann::json config;             // config.json
  nlohmann::json generation_config;  // generation_config.json
  nlohmann::json tokenizer;          // tokenizer.json
  nlohmann::json tokenizer_config;   // tokenizer_config.json
  std::string tokenizer_model;       // tokenizer.model (SentencePiece) where tokenizer.json lacks
  std::string chat_template;  // chat_template.jinja, else tokenizer_config's "chat_template": its
                              // text, or of a list of templates the one named "default"
};

// Throws DataError: no config.json, JSON that is damaged, too large (16 MB; tokenizer.json 256 MB)
// or more than 64 levels deep.
ModelFiles read_model_files(const std::filesystem::path& folder);

// config.json's, tokenizer's and template's part of read_model_files for a folder without a model
// (an adapter): config.json may be absent.
ModelFiles read_tokenizer_files(const std::filesystem::path& folder);

// Opens model.safetensors, or the shards that model.safetensors.index.json names. All headers are
// checked; index and shards must name the same tensors in the same files, a shard is a plain file
// name of this folder, and links may only point into the folder or into the blobs/ of the hub cache
// that it is part of. Throws DataError.
std::shared_ptr<WeightSource> open_hf_weights(const std::filesystem::path& folder,
                                              const nlohmann::json& config);

// Writes every part of `files` that is there into an existing folder; config's "torch_dtype" is
// set. Throws DiskError.
void write_model_files(const std::filesystem::path& folder, const ModelFiles& files,
                       at::ScalarType dtype);

struct HfWriteOptions {
  at::ScalarType dtype = at::kFloat;  // at::kFloat, at::kHalf or at::kBFloat16
  uint64_t max_shard_bytes = uint64_t{5} << 30;
};

// Writes a folder that transformers loads: every part of `files` that is there, and the tensors
// rounded to the dtype in model.safetensors, or, when they are larger than max_shard_bytes, in
// shards with an index, in the order given (a single tensor may exceed the limit). config's
// "torch_dtype" is set. The folder appears whole and durable or not at all. Throws DataError when
// the folder exists and is not empty, DiskError, InternalError as write_tensor_file.
void write_hf_folder(const std::filesystem::path& folder, const ModelFiles& files,
                     const std::vector<NamedTensor>& tensors, const HfWriteOptions& options = {});

}  // namespace pgtrain
