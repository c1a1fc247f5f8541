// How GGUF and Hugging Face name and lay out the tensors of the architectures that both know.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>

namespace pgtrain {

struct GgufArchitecture {
  const char* name;        // general.architecture
  const char* model_type;  // of config.json
  const char* hf_class;    // config.json's architectures[0]
  bool is_gpt2;            // else of the Llama family
  bool permutes;           // q and k rows are in the interleaved order of GGUF's rotary embedding
};

const GgufArchitecture* find_gguf_architecture(const std::string& name);    // nullptr: unknown
const GgufArchitecture* find_by_model_type(const std::string& model_type);  // nullptr: unknown
std::string known_gguf_architectures();  // "llama, qwen2, ..."
std::string known_model_types();         // "llama, mistral, ..."

// What lies between the two forms of a tensor.
enum class GgufLayout {
  kSame,
  kQuery,      // rows permuted within each head, of num_attention_heads
  kKey,        // the same, of num_key_value_heads
  kTransposed  // GPT-2's Conv1D: Hugging Face [in, out], GGUF [out, in]
};

struct GgufName {
  std::string name;
  GgufLayout layout = GgufLayout::kSame;
};

// nullopt: the architecture has no such tensor.
std::optional<GgufName> hf_name(const GgufArchitecture& architecture, const std::string& gguf);
std::optional<GgufName> gguf_name(const GgufArchitecture& architecture, const std::string& hf);

// Rows [heads, 2, d/2] of Hugging Face's half-rotation <-> [heads, d/2, 2] of GGUF's interleaved
// one, for a weight [heads d, in] or bias [heads d]; views where possible.
at::Tensor to_interleaved_rows(const at::Tensor& hf, int64_t heads);
at::Tensor from_interleaved_rows(const at::Tensor& gguf, int64_t heads);

}  // namespace pgtrain
