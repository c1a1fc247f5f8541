// Opens a pretrained model of any of the formats that pgtrain reads.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "modelfile/hf_folder.h"
#include "modelfile/lora_adapter.h"
#include "text/gguf_vocabulary.h"

namespace pgtrain {

struct PretrainedModel : ModelFiles {
  std::filesystem::path path;
  std::string format;  // "hf", "gguf" or "peft"
  std::optional<GgufVocabulary> vocabulary;  // of a GGUF file
  std::shared_ptr<WeightSource> weights;     // null for "peft"
  std::optional<LoraAdapter> adapter;        // of "peft"; its base_model is opened by the caller
  // What the file says about itself, for people: GGUF metadata, arrays only counted; the
  // __metadata__ of safetensors is not part of it.
  std::map<std::string, std::string> metadata;
};

// path: a folder in the Hugging Face layout, a .gguf file, a folder with exactly one .gguf file
// (and no safetensors), or a folder with a PEFT adapter (and no model). All headers are checked; no
// weight is read but an adapter's. Memory stays below about twice the files' size, whatever they
// say. Throws DataError; a folder that holds only pytorch_model.bin is refused.
PretrainedModel open_pretrained(const std::filesystem::path& path);

// The same for GGUF bytes that are held already.
PretrainedModel open_gguf(FileBytes bytes);

}  // namespace pgtrain
