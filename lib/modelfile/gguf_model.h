// A GGUF file as a model: its metadata as a Hugging Face config, its tensors under Hugging Face
// names, its vocabulary.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "modelfile/gguf_file.h"
#include "modelfile/weight_source.h"
#include "text/gguf_vocabulary.h"

namespace pgtrain {

// config.json's content for architecture llama, qwen2, qwen3 or gpt2. Llama with a sliding window
// becomes model_type "mistral". tie_word_embeddings is true when the file has no output.weight.
// rope_freqs.weight becomes rope_scaling of type "llama3" when such a scaling with Llama 3's bounds
// (low 1, high 4) gives it to 1e-5, and otherwise stands, as the list of divisors of the rotary
// frequencies, under "pgtrain_rope_factors". Throws DataError: unknown architecture,
// mixture of experts, per-layer sizes, partial rotary embeddings, longrope, split files, values
// that contradict each other or the tensors.
nlohmann::json hf_config_of(const GgufFile& file);

// bos_token_id and eos_token_id where the file gives them.
nlohmann::json hf_generation_config_of(const GgufFile& file);

// Throws DataError: no tokens, another number than rows of the embedding, scores or types of
// another length, ids out of range, texts that are not UTF-8.
GgufVocabulary read_gguf_vocabulary(const GgufFile& file);

// config: of hf_config_of. q and k of llama are brought back to Hugging Face's row order, GPT-2's
// matrices to Conv1D's [in, out]. Throws DataError for a tensor that the architecture does not
// have.
std::shared_ptr<WeightSource> make_gguf_weights(std::shared_ptr<const GgufFile> file,
                                                const nlohmann::json& config);

}  // namespace pgtrain
