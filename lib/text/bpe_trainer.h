// Learns a byte-level BPE vocabulary, with the same result as BpeTrainer of the Hugging Face crate
// `tokenizers` (checked against 0.23.3): the most frequent pair of tokens is merged first, of
// equally frequent ones that with the smaller ids, until the vocabulary is full or no pair is left.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace pgtrain {

// The smallest vocabulary: five special tokens and the bytes.
constexpr int64_t kMinBpeVocabulary = 5 + 256;

// A tokenizer.json as `tokenizers` writes it: ids 0..4 <pad> <bos> <eos> <sep> <unk> (added,
// special), then the bytes in the order of their GPT-2 characters, then one id for each merge. The
// pre-tokenizer is ByteLevel with GPT-2's pattern (text/gpt2_split.h) and no space in front; the
// decoder is ByteLevel. The vocabulary is smaller than vocab_size when the texts give no more.
// Throws ConfigError for a vocab_size below kMinBpeVocabulary or above 2^31 - 1, DataError with
// number and byte offset for a text that is not UTF-8.
nlohmann::json train_byte_level_bpe(const std::vector<std::string_view>& texts, int64_t vocab_size);

}  // namespace pgtrain
