// The vocabulary of a GGUF file, as its tokenizer.ggml.* keys give it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pgtrain {

struct GgufVocabulary {
  std::string model;                // tokenizer.ggml.model: "gpt2" (byte-level BPE), "llama" (SPM)
  std::string pre;                  // tokenizer.ggml.pre: name of the pre-tokenizer
  std::vector<std::string> tokens;  // by id
  std::vector<float> scores;        // by id, or empty
  std::vector<int32_t> types;       // by id, or empty: 1 normal, 2 unknown, 3 control,
                                    // 4 user-defined, 5 unused, 6 byte
  std::vector<std::string> merges;  // "left right", best first
  int64_t bos = -1, eos = -1, unk = -1, pad = -1;  // -1: the file gives none
  std::optional<bool> add_bos, add_eos, add_space_prefix;
  std::string chat_template;
};

}  // namespace pgtrain
