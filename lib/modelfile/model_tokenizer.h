// The tokenizer of a pretrained model, whatever form its vocabulary has.
#pragma once

#include <memory>

#include "modelfile/pretrained.h"
#include "text/tokenizer.h"

namespace pgtrain {

// From tokenizer.json (Hugging Face's or pgtrain's own), a SentencePiece tokenizer.model or a GGUF
// vocabulary. Throws DataError: none of them, or what they say is wrong.
std::unique_ptr<Tokenizer> make_tokenizer(const PretrainedModel& model);

// tokenizer.json and tokenizer_config.json for a folder that holds this tokenizer: the texts of its
// special tokens are added to `tokenizer_config`, which may be null. The second stays null for
// pgtrain's own kinds.
void describe_tokenizer(const Tokenizer& tokenizer, ModelFiles& files);

}  // namespace pgtrain
