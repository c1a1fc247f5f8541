// Tokenizers of pretrained models, from Hugging Face's tokenizer.json. The ids are those of the
// `tokenizers` library; where that library and the file disagree (ids of added tokens that are not
// in sequence), the file counts. "truncation" and "padding" do not change what a text's ids are and
// have no effect here.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"
#include "text/subword_model.h"
#include "text/token_decoder.h"
#include "text/tokenizer.h"

namespace pgtrain {

// What tokenizer.json does not say.
struct HfTokenizerSettings {
  // Texts of tokens; "" = none.
  std::string bos_token;
  std::string eos_token;
  std::string pad_token;
  std::string unk_token;
  // Ids that end a completion besides eos_token's.
  std::vector<int64_t> end_ids;
  // Whether prompts begin with bos_token; unset: as the post-processor has it.
  std::optional<bool> add_bos;
};

// From tokenizer_config.json (bos_token, eos_token, pad_token, unk_token: texts or objects with
// "content"; add_bos_token) and from eos_token_id, a number or a list, of generation_config.json
// and config.json. Any of them may be null or an empty object. Throws DataError for wrong types.
HfTokenizerSettings hf_tokenizer_settings(const nlohmann::json& tokenizer_config,
                                          const nlohmann::json& generation_config,
                                          const nlohmann::json& config);

class HuggingFaceTokenizer final : public Tokenizer {
 public:
  HuggingFaceTokenizer(const nlohmann::json& tokenizer_json, const HfTokenizerSettings& settings,
                       const std::string& source);

  int64_t vocab_size() const override { return vocab_size_; }
  // Added tokens that are not special are part of the vocabulary and found in every text, as with
  // the library's encode_special_tokens = True. Unlike there, a model whose vocabulary has special
  // tokens does not find them either: no text becomes a special token.
  std::vector<int64_t> encode(std::string_view text) const override;
  std::vector<int64_t> encode_with_special(std::string_view text) const override;
  // What the post-processor has before a single text, then encode(prompt); bos_id(), else eos_id(),
  // when that is nothing.
  std::vector<int64_t> encode_prompt(std::string_view prompt) const override;
  // As the library's decode with skip_special_tokens = True, which however writes special tokens
  // whose normalized form is another text.
  std::string decode(const std::vector<int64_t>& ids) const override;
  std::unique_ptr<StreamDecoder> stream_decoder() const override;
  std::string token_text(int64_t id) const override;
  // tokenizer.json with the settings under "pgtrain_settings", so that an equal tokenizer comes
  // back.
  nlohmann::json to_json() const override;

  int64_t pad_id() const override { return pad_id_; }
  int64_t bos_id() const override { return bos_id_; }
  int64_t unk_id() const override { return unk_id_; }
  const std::vector<int64_t>& end_ids() const override { return end_ids_; }

  // tokenizer.json as it was given, for export.
  nlohmann::json original_json() const;
  const HfTokenizerSettings& settings() const { return settings_; }
  // In the order of their ids.
  const std::vector<AddedToken>& added_tokens() const { return added_; }
  // What stands around a single text.
  const TextFrame& frame() const { return frame_; }
  // The token with this id as decoders are given it; nullptr when there is none.
  const std::string* token(int64_t id) const;
  bool is_special(int64_t id) const;

 private:
  std::vector<int64_t> encode_text(std::string_view text, bool skip_special) const;
  void encode_section(std::string_view text, bool at_origin, bool skip_special,
                      std::vector<int64_t>& ids) const;
  void set_special_ids(const std::string& source);
  int64_t id_of(const std::string& token, const char* key, const std::string& source) const;

  std::string json_;  // the file, as compact JSON
  HfTokenizerSettings settings_;
  std::unique_ptr<SubwordModel> model_;
  std::unique_ptr<Normalizer> normalizer_;       // may be nullptr
  std::unique_ptr<PreTokenizer> pre_tokenizer_;  // may be nullptr
  std::unique_ptr<TokenDecoder> decoder_;
  std::vector<AddedToken> added_;  // in the order of their ids
  std::unique_ptr<AddedTokenFinder> raw_finder_;
  std::unique_ptr<AddedTokenFinder> normalized_finder_;
  TextFrame frame_;
  int64_t vocab_size_ = 0;
  int64_t pad_id_ = -1;
  int64_t bos_id_ = -1;
  int64_t unk_id_ = -1;
  std::vector<int64_t> end_ids_;
};

// Throws DataError that names source and key: a part that is not known here, wrong types, ids out
// of range or used twice, merges of unknown tokens, settings whose tokens are not in the
// vocabulary, no token that ends a completion.
std::unique_ptr<HuggingFaceTokenizer> hf_tokenizer_from_json(const nlohmann::json& tokenizer_json,
                                                             const HfTokenizerSettings& settings,
                                                             const std::string& source);

// The result of to_json().
std::unique_ptr<HuggingFaceTokenizer> hf_tokenizer_from_json(const nlohmann::json& json,
                                                             const std::string& source);

}  // namespace pgtrain
