// The vocabulary of a GGUF file (the keys tokenizer.ggml.* and tokenizer.chat_template) and its
// form as tokenizer.json.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "text/hf_tokenizer.h"

namespace pgtrain {

struct GgufVocabulary {
  std::string model;  // "gpt2" (byte-level BPE) or "llama" (SentencePiece's BPE with byte fallback)
  std::string pre;    // of gpt2: the name of its pre-tokenizer
  std::vector<std::string> tokens;
  std::vector<float> scores;        // of llama; may be empty otherwise
  std::vector<int32_t> types;       // PieceType; may be empty: all normal
  std::vector<std::string> merges;  // of gpt2: "left right"
  int64_t bos = -1;
  int64_t eos = -1;
  int64_t unk = -1;
  int64_t pad = -1;
  std::optional<bool> add_bos;  // unset: as llama.cpp has it for this model and pre
  std::optional<bool> add_eos;
  std::optional<bool> add_space_prefix;
  std::string chat_template;
};

// Control tokens become special added tokens, user-defined ones added tokens; bos and eos that are
// added to a text become the post-processor. Throws DataError that begins with `source`: an unknown
// model or pre (with the known ones), lists of different lengths, types out of range, tokens that
// are not valid UTF-8 or there twice, ids out of range.
nlohmann::json tokenizer_json_from_gguf(const GgufVocabulary& vocabulary,
                                        const std::string& source);

// The texts of bos, eos, pad and unk, and add_bos.
HfTokenizerSettings gguf_settings(const GgufVocabulary& vocabulary);

// For export: the vocabulary of a tokenizer that hf_tokenizer_from_json accepts. Ids without a
// token become unused tokens "[PAD<id>]". Throws DataError when GGUF cannot say it: another model
// than byte-level BPE or BPE with byte fallback, or a pre-tokenizer that has no name there.
GgufVocabulary gguf_vocabulary(const nlohmann::json& tokenizer_json,
                               const HfTokenizerSettings& settings);

}  // namespace pgtrain
