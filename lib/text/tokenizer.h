// Texts to ids and back.
//
// Native kinds: ids 0..4 are <pad>, <bos>, <eos>, <sep> (between prompt and completion) and <unk>;
// the rest depends on the kind:
//   char  one id for each Unicode code point that occurs in the texts.
//   byte  one id for each of the 256 bytes of UTF-8; knows every text, learns nothing.
//   word  one id for each word or symbol. A word is a run of letters, marks, digits and '_', with
//         single apostrophes (U+0027, U+2019) inside; an ideograph, a kana and any other character
//         is a symbol by itself. White space (Unicode White_Space) is not a token: a word carries
//         one space before it (" word") when white space or the text's beginning is before it. A
//         symbol after white space follows a token " ", and so does a word there of which only the
//         form without space is known. So decode(encode(text)) is the text without white space at
//         its ends and with every run of white space as one space.
// Learned tokens are numbered from the most frequent down, ties in the order of their UTF-8 bytes,
// so that equal texts give equal vocabularies. All members are const and may be called from several
// threads.
//
// tokenizer.json:
//   {"pgtrain_tokenizer": 1, "kind": "char",
//    "special_tokens": ["<pad>", "<bos>", "<eos>", "<sep>", "<unk>"], "tokens": ["e", "t", ...]}
// tokens[i] has id 5 + i; kind byte has no "tokens" (byte b has id 5 + b).
// Tokenizers of pretrained models have Hugging Face's form (hf_tokenizer.h).
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace pgtrain {

class Section;
class StreamDecoder;

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  // Ids are 0 .. vocab_size() - 1.
  virtual int64_t vocab_size() const = 0;
  // No special tokens are added; what the vocabulary lacks becomes unk_id(), and text that looks
  // like a special token is ordinary text. Throws DataError with the byte offset when the text is
  // not valid UTF-8.
  virtual std::vector<int64_t> encode(std::string_view text) const = 0;
  // The same, but the text of a special token becomes its id: for rendered chat templates.
  virtual std::vector<int64_t> encode_with_special(std::string_view text) const {
    return encode(text);
  }
  // What the policy reads before the first token of a completion; never empty.
  virtual std::vector<int64_t> encode_prompt(std::string_view prompt) const = 0;
  // Always valid UTF-8. Special tokens and ids out of range give nothing.
  virtual std::string decode(const std::vector<int64_t>& ids) const = 0;
  // The same for ids that arrive one by one; must not outlive the tokenizer.
  virtual std::unique_ptr<StreamDecoder> stream_decoder() const = 0;
  // For reports: "<eos>", "a", " word", "\x0a" (escape_text); "<id 99>" for an id out of range.
  virtual std::string token_text(int64_t id) const = 0;
  // What tokenizer.json holds; tokenizer_from_json gives an equal tokenizer back.
  virtual nlohmann::json to_json() const = 0;

  // -1 = there is none.
  virtual int64_t pad_id() const = 0;
  virtual int64_t bos_id() const = 0;
  virtual int64_t unk_id() const = 0;
  // The ids that end a completion, the one that the policy learns to write first; at least one.
  virtual const std::vector<int64_t>& end_ids() const = 0;
  int64_t eos_id() const { return end_ids().front(); }
};

struct TokenizerOptions {
  std::string kind = "auto";  // auto | char | byte | word | bpe | file
  int64_t vocab_size = 0;     // upper limit with special tokens; 0 = all that the texts have
  std::string path;           // file: a tokenizer.json or a SentencePiece tokenizer.model
};
void describe(Section& s, TokenizerOptions& o);

// Learns the vocabulary from the texts. Throws ConfigError for an unknown kind or a vocab_size too
// small for the kind (char 6, word 7, byte 261), DataError for texts that are not UTF-8 or hold
// nothing to learn.
std::unique_ptr<Tokenizer> build_tokenizer(const TokenizerOptions& options,
                                           const std::vector<std::string_view>& texts);

// A native kind, which is read strictly (every key is needed and checked and no other is allowed),
// or Hugging Face's form ("model" instead of "pgtrain_tokenizer") as to_json of such a tokenizer
// gives it. Throws DataError that names source and key.
std::unique_ptr<Tokenizer> tokenizer_from_json(const nlohmann::json& json,
                                               const std::string& source);

}  // namespace pgtrain
