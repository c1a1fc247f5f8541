// What a policy network looks like: the `model:` block of an experiment and the config.json of a
// checkpoint.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace pgtrain {

class Problems;
class Section;

// Low-rank adapters (Hu et al. 2021, as in PEFT): y = W x + scale * B A dropout(x) with W frozen.
struct LoraOptions {
  int64_t rank = 0;  // 0 = no adapters, every weight is trained
  double alpha = 16;
  double dropout = 0;
  bool use_rslora = false;
  std::vector<std::string> target_modules;  // last parts of layer names; empty = all of the blocks

  bool enabled() const { return rank > 0; }
  // alpha / rank, or alpha / sqrt(rank) with use_rslora.
  double scale() const;
};

// How the rotary frequencies are stretched for contexts longer than those of the first training.
struct RopeScaling {
  std::string type = "none";           // none | linear | llama3 | yarn
  double factor = 1;                   // by which the context grows
  double low_freq_factor = 1;          // llama3
  double high_freq_factor = 4;         // llama3
  int64_t original_max_positions = 0;  // llama3, yarn; 0 = max_positions
  double beta_fast = 32;               // yarn
  double beta_slow = 1;                // yarn
  double attention_factor = 0;         // yarn; 0 = follows from factor and mscale
  double mscale = 0;                   // yarn; 0 = not given
  double mscale_all_dim = 0;           // yarn; 0 = not given
  bool truncate = true;                // yarn: whole numbers as limits of the ramp
};

struct ModelOptions {
  std::string kind = "gru";      // gru | lstm | llama | gpt2 | pretrained
  std::string path;              // pretrained: folder or file of the weights
  int64_t vocab_size = 0;        // 0 = the tokenizer's; larger leaves rows that no text uses
  int64_t embedding_size = 128;  // gru, lstm
  int64_t hidden_size = 256;     // values
  int64_t num_layers = 1;

  // llama and gpt2
  int64_t num_heads = 4;
  int64_t num_kv_heads = 0;       // llama; 0 = num_heads
  int64_t head_dim = 0;           // llama; 0 = hidden_size / num_heads
  int64_t intermediate_size = 0;  // 0 = see resolved_intermediate_size
  int64_t max_positions = 1024;   // tokens that one text may have
  double norm_epsilon = 1e-5;
  bool tie_embeddings = true;
  std::string activation = "auto";  // auto | silu (llama) | gelu_new | gelu_pytorch_tanh | gelu
  // llama
  std::string family = "llama";  // Hugging Face's model_type: llama | mistral | qwen2 | qwen3
  double rope_theta = 10000;
  RopeScaling rope_scaling;
  std::vector<double> rope_factors;  // divisors of the single frequencies, head_dim / 2; or empty
  bool qkv_bias = false;
  bool output_bias = false;
  bool mlp_bias = false;
  bool qk_norm = false;        // RMSNorm of each head's query and key before the rotation
  int64_t sliding_window = 0;  // tokens that attention sees, itself included; 0 = all before
  LoraOptions lora;

  bool is_recurrent() const { return kind == "gru" || kind == "lstm"; }
  bool is_llama() const { return kind == "llama"; }
  bool is_gpt2() const { return kind == "gpt2"; }
  bool is_transformer() const { return is_llama() || is_gpt2(); }
  int64_t resolved_kv_heads() const;
  int64_t resolved_head_dim() const;
  // gpt2: 4 * hidden_size; llama: 8/3 * hidden_size, rounded up to a multiple of 64.
  int64_t resolved_intermediate_size() const;
  std::string resolved_activation() const;
};

void describe(Section& section, ModelOptions& options);

// Adds what is wrong in the block `path` of an experiment: keys that have no effect with the kind,
// sizes that do not fit each other, parts that the family does not have.
void check_model(const ModelOptions& options, const std::string& path, Problems& problems);

// Parameters of the network without adapters, computed without building it.
int64_t parameter_count(const ModelOptions& options);

// The content of config.json; for llama and gpt2 it is Hugging Face's. Neither contains `lora`.
// from_json reads the forms of transformers 4 and 5, and throws DataError naming `source` and the
// key, also for settings that would change the results and are not known here.
nlohmann::json to_json(const ModelOptions& options);
ModelOptions model_options_from_json(const nlohmann::json& json, const std::string& source);

}  // namespace pgtrain
