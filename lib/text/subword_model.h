// Models of tokenizer.json: from a piece of text to ids.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "text/json_view.h"
#include "text/token_vocabulary.h"

namespace pgtrain {

class SubwordModel {
 public:
  virtual ~SubwordModel() = default;
  virtual const TokenVocabulary& vocabulary() const = 0;
  // -1 when the model has no unknown token.
  virtual int64_t unk_id() const = 0;
  // Makes append_ids give none of these ids (but unk_id() for what is unknown), whatever a piece
  // spells: special tokens are no text.
  virtual void exclude(const std::vector<int64_t>& ids) = 0;
  // Appends the ids of a piece, which is not empty and valid UTF-8.
  virtual void append_ids(std::string_view piece, std::vector<int64_t>& ids) const = 0;
};

// "model" of tokenizer.json: BPE, Unigram or WordLevel. A missing type is told by the members, as
// older files need it. Throws DataError for another type or a wrong member.
std::unique_ptr<SubwordModel> read_subword_model(const JsonView& json);

std::unique_ptr<SubwordModel> read_bpe_model(const JsonView& json);
std::unique_ptr<SubwordModel> read_unigram_model(const JsonView& json);
std::unique_ptr<SubwordModel> read_word_level_model(const JsonView& json);

// The id of "<0x41>" for each of the bytes in `text`, appended to `ids`; false, and nothing
// appended, when the vocabulary lacks one.
bool append_byte_tokens(const TokenVocabulary& vocabulary, std::string_view text,
                        std::vector<int64_t>& ids);

}  // namespace pgtrain
