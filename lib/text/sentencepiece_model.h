// SentencePiece models (tokenizer.model): the protocol buffer, and its form as tokenizer.json.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "text/hf_tokenizer.h"

namespace pgtrain {

enum class PieceType : int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

struct SentencePieceModel {
  enum class Kind { kUnigram = 1, kBpe = 2 };
  struct Piece {
    std::string text;
    float score = 0;
    PieceType type = PieceType::kNormal;
  };

  Kind kind = Kind::kUnigram;
  std::vector<Piece>
      pieces;  // in the order of their ids; texts are valid UTF-8, not empty, distinct
  bool byte_fallback = false;
  int64_t unk_id = 0;   // of the piece of type kUnknown
  int64_t bos_id = -1;  // of control pieces; -1 = none
  int64_t eos_id = -1;
  int64_t pad_id = -1;
  std::string charsmap;  // see charsmap.h; empty = none
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
};

// Throws DataError that begins with `source`: not a well-formed message, pieces that are empty, too
// long (512 bytes), not valid UTF-8 or there twice, not exactly one unknown piece, and what
// tokenizer.json cannot say: models of whole words or characters, white space as suffix or
// unescaped.
SentencePieceModel parse_sentencepiece(std::string_view bytes, const std::string& source);

// The tokenizer as tokenizer.json, such as transformers converts it: merges of BPE are rebuilt from
// the scores, control pieces and the unknown piece become special added tokens, user-defined pieces
// added tokens. There is no post-processor. The dummy prefix stands at the beginning of the text,
// and also after each added token when the model keeps spaces as they are (as Llama's does).
nlohmann::json tokenizer_json(const SentencePieceModel& model);

// tokenizer_json(parse_sentencepiece(...)).
nlohmann::json tokenizer_json_from_sentencepiece(std::string_view model_bytes,
                                                 const std::string& source);
// The texts of its special pieces, for models that come without tokenizer_config.json.
HfTokenizerSettings sentencepiece_settings(const SentencePieceModel& model);

}  // namespace pgtrain
