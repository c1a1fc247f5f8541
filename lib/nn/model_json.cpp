// config.json of checkpoints: ours for recurrent networks, Hugging Face's for transformers.
#include <cmath>
#include <set>

#include "core/error.h"
#include "nn/model_limits.h"
#include "nn/model_options.h"

namespace pgtrain {
namespace {

using nlohmann::json;

constexpr const char* kTypePrefix = "pgtrain_";
constexpr const char* kRopeFactors = "pgtrain_rope_factors";

// Reads typed keys of one JSON object; a key that is missing or null has the default.
class Reader {
 public:
  Reader(const json& object, std::string source, std::string prefix = "")
      : object_(object), source_(std::move(source)), prefix_(std::move(prefix)) {}

  [[noreturn]] void fail(const std::string& key, const std::string& message) const {
    throw DataError(fmt::format("{}: '{}{}' {}", source_, prefix_, key, message));
  }
  const json* find(const std::string& key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  bool has(const std::string& key) const { return find(key) != nullptr; }
  // Also for a key whose value is null.
  bool mentions(const std::string& key) const { return object_.contains(key); }

  int64_t integer(const std::string& key, int64_t low, int64_t high) const {
    if (!has(key)) fail(key, "is missing or not a whole number");
    return integer_or(key, 0, low, high);
  }
  int64_t integer_or(const std::string& key, int64_t standard, int64_t low, int64_t high) const {
    const json* value = find(key);
    if (value == nullptr) return standard;
    if (!value->is_number_integer()) fail(key, "is missing or not a whole number");
    if (value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
      fail(key, fmt::format("is {}, allowed are {} to {}", value->get<uint64_t>(), low, high));
    const auto result = value->get<int64_t>();
    if (result < low || result > high)
      fail(key, fmt::format("is {}, allowed are {} to {}", result, low, high));
    return result;
  }
  double number_or(const std::string& key, double standard, double low, double high) const {
    const json* value = find(key);
    if (value == nullptr) return standard;
    if (!value->is_number()) fail(key, "is not a number");
    const auto result = value->get<double>();
    if (!(result >= low && result <= high))
      fail(key, fmt::format("is {}, allowed are {} to {}", result, low, high));
    return result;
  }
  bool flag_or(const std::string& key, bool standard) const {
    const json* value = find(key);
    if (value == nullptr) return standard;
    if (!value->is_boolean()) fail(key, "is not true or false");
    return value->get<bool>();
  }
  std::string text_or(const std::string& key, const std::string& standard) const {
    const json* value = find(key);
    if (value == nullptr) return standard;
    if (!value->is_string()) fail(key, "is not a text");
    return value->get<std::string>();
  }
  // The key may only be missing, null or as given, because anything else is not computed here.
  void demand_flag(const std::string& key, bool expected) const {
    if (flag_or(key, expected) != expected)
      fail(key, fmt::format("is {}, which is not computed here; only {} is", !expected, expected));
  }
  void demand_absent(const std::string& key) const {
    if (has(key)) fail(key, "would change the results and is not known here");
  }

 private:
  const json& object_;
  std::string source_;
  std::string prefix_;
};

ModelOptions read_recurrent(const Reader& reader, const std::string& type) {
  ModelOptions options;
  options.kind = type.substr(std::string(kTypePrefix).size());
  options.vocab_size = reader.integer("vocab_size", 1, kMaxVocabulary);
  options.embedding_size = reader.integer("embedding_size", 1, kMaxSize);
  options.hidden_size = reader.integer("hidden_size", 1, kMaxSize);
  options.num_layers = reader.integer("num_layers", 1, kMaxLayers);
  return options;
}

void check_heads(const Reader& reader, const ModelOptions& options, const char* heads_key) {
  if (options.head_dim == 0 && options.hidden_size % options.num_heads != 0)
    reader.fail(heads_key, fmt::format("is {}, which does not divide a hidden size of {}",
                                       options.num_heads, options.hidden_size));
  if (options.num_heads % options.resolved_kv_heads() != 0)
    reader.fail("num_key_value_heads", fmt::format("is {}, which does not divide {} heads",
                                                   options.num_kv_heads, options.num_heads));
}

// Settings of other models that may be merged into a config.json and that nothing here computes.
void refuse_foreign_settings(const Reader& reader) {
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping", "num_local_experts",
                          "num_experts", "quantization_config", "attn_logit_softcap"})
    reader.demand_absent(key);
  if (reader.number_or("partial_rotary_factor", 1, -1e9, 1e9) != 1)
    reader.fail("partial_rotary_factor",
                "is not 1: rotating a part of a head is not computed here");
}

ModelOptions read_gpt2(const Reader& reader) {
  ModelOptions options;
  options.kind = "gpt2";
  options.vocab_size = reader.integer_or("vocab_size", 50257, 1, kMaxVocabulary);
  options.hidden_size = reader.integer_or("n_embd", 768, 1, kMaxSize);
  options.num_layers = reader.integer_or("n_layer", 12, 1, kMaxLayers);
  options.num_heads = reader.integer_or("n_head", 12, 1, kMaxHeads);
  options.max_positions = reader.integer_or("n_positions", 1024, 1, kMaxPositions);
  options.intermediate_size = reader.integer_or("n_inner", 0, 1, kMaxSize * 4);
  options.norm_epsilon = reader.number_or("layer_norm_epsilon", 1e-5, 1e-20, 1);
  options.tie_embeddings = reader.flag_or("tie_word_embeddings", true);
  options.activation = reader.text_or("activation_function", "gelu_new");
  const std::set<std::string> known = {"gelu_new", "gelu_pytorch_tanh", "gelu"};
  if (known.count(options.activation) == 0)
    reader.fail(
        "activation_function",
        fmt::format("is '{}'; known are gelu_new, gelu_pytorch_tanh and gelu", options.activation));
  reader.demand_flag("scale_attn_weights", true);
  reader.demand_flag("scale_attn_by_inverse_layer_idx", false);
  reader.demand_flag("add_cross_attention", false);
  check_heads(reader, options, "n_head");
  return options;
}

// rope_scaling of transformers 4 or rope_parameters of transformers 5.
void read_rope(const Reader& top, const std::string& source, ModelOptions& options) {
  options.rope_theta = top.number_or("rope_theta", 10000, 1.000001, 1e12);
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const json* block = top.find(key);
    if (block == nullptr) continue;
    if (!block->is_object()) top.fail(key, "is not a JSON object");
    const Reader reader(*block, source, std::string(key) + ".");
    for (const auto& [name, value] : block->items())
      if (value.is_object())
        reader.fail(name,
                    "is a block: different rotations for different layers are not computed "
                    "here");
    options.rope_theta = reader.number_or("rope_theta", options.rope_theta, 1.000001, 1e12);
    if (reader.number_or("partial_rotary_factor", 1, -1e9, 1e9) != 1)
      reader.fail("partial_rotary_factor",
                  "is not 1: rotating a part of a head is not computed here");
    RopeScaling& scaling = options.rope_scaling;
    const std::string type = reader.text_or("rope_type", reader.text_or("type", "default"));
    const std::set<std::string> known = {"default", "linear", "llama3", "yarn"};
    if (known.count(type) == 0)
      reader.fail(reader.has("rope_type") ? "rope_type" : "type",
                  fmt::format("is '{}'; known are default, linear, llama3 and yarn", type));
    if (type == "default") continue;
    if (scaling.type != "none" && scaling.type != type)
      reader.fail("rope_type",
                  fmt::format("is '{}', but rope_scaling says '{}'", type, scaling.type));
    scaling.type = type;
    if (!reader.has("factor")) reader.fail("factor", "is missing");
    scaling.factor = reader.number_or("factor", 1, 1e-6, 1e6);
    scaling.original_max_positions =
        reader.integer_or("original_max_position_embeddings", 0, 1, kMaxPositions);
    if (type == "llama3") {
      for (const char* name : {"low_freq_factor", "high_freq_factor"})
        if (!reader.has(name)) reader.fail(name, "is missing");
      scaling.low_freq_factor = reader.number_or("low_freq_factor", 1, 1e-6, 1e6);
      scaling.high_freq_factor = reader.number_or("high_freq_factor", 4, 1e-6, 1e6);
      if (scaling.high_freq_factor <= scaling.low_freq_factor)
        reader.fail("high_freq_factor", "is not above low_freq_factor");
    }
    if (type == "yarn") {
      scaling.beta_fast = reader.number_or("beta_fast", 32, 0, 1e6);
      scaling.beta_slow = reader.number_or("beta_slow", 1, 0, 1e6);
      if (scaling.beta_fast == 0) scaling.beta_fast = 32;
      if (scaling.beta_slow == 0) scaling.beta_slow = 1;
      scaling.attention_factor = reader.number_or("attention_factor", 0, 1e-6, 1e3);
      scaling.mscale = reader.number_or("mscale", 0, 0, 1e3);
      scaling.mscale_all_dim = reader.number_or("mscale_all_dim", 0, 0, 1e3);
      scaling.truncate = reader.flag_or("truncate", true);
    }
  }
  const json* factors = top.find(kRopeFactors);
  if (factors == nullptr) return;
  const auto count = static_cast<size_t>(options.resolved_head_dim() / 2);
  if (!factors->is_array() || factors->size() != count)
    top.fail(kRopeFactors, fmt::format("is not a list of {} numbers", count));
  for (const json& factor : *factors) {
    if (!factor.is_number() || !(factor.get<double>() >= 1e-6 && factor.get<double>() <= 1e9))
      top.fail(kRopeFactors, "holds something else than numbers from 1e-6 to 1e9");
    options.rope_factors.push_back(factor.get<double>());
  }
}

// The window that all layers have, or 0. Fails when layers differ.
int64_t read_window(const Reader& reader, const ModelOptions& options) {
  const bool mistral = options.family == "mistral";
  int64_t window = 0;
  if (mistral)
    window = reader.mentions("sliding_window")
                 ? reader.integer_or("sliding_window", 0, 1, INT64_MAX)
                 : 4096;
  else if (options.family != "llama" && reader.flag_or("use_sliding_window", false))
    window = reader.integer_or("sliding_window", reader.mentions("sliding_window") ? 0 : 4096, 1,
                               INT64_MAX);
  // A window as wide as the context hides nothing.
  const int64_t effective = window >= options.max_positions ? 0 : window;
  if (mistral || options.family == "llama") return effective;
  if (const json* types = reader.find("layer_types")) {
    if (!types->is_array() || static_cast<int64_t>(types->size()) != options.num_layers)
      reader.fail("layer_types", fmt::format("is not a list of {} texts", options.num_layers));
    std::set<std::string> kinds;
    for (const json& type : *types) {
      if (!type.is_string() || (type != "full_attention" && type != "sliding_attention"))
        reader.fail("layer_types",
                    "holds something else than full_attention and sliding_attention");
      kinds.insert(type.get<std::string>());
    }
    if (kinds.size() > 1 && effective > 0)
      reader.fail("layer_types", "mixes full and sliding attention, which is not computed here");
    return kinds.count("sliding_attention") > 0 ? effective : 0;
  }
  if (effective == 0) return 0;
  const int64_t full = reader.integer_or("max_window_layers", 28, 0, INT64_MAX);
  if (full == 0) return effective;
  if (full < options.num_layers)
    reader.fail("max_window_layers",
                "mixes full and sliding attention, which is not computed here");
  return 0;
}

ModelOptions read_llama(const Reader& reader, const std::string& source,
                        const std::string& family) {
  const bool qwen3 = family == "qwen3";
  ModelOptions options;
  options.kind = "llama";
  options.family = family;
  options.vocab_size = reader.integer("vocab_size", 1, kMaxVocabulary);
  options.hidden_size = reader.integer("hidden_size", 1, kMaxSize);
  options.intermediate_size = reader.integer("intermediate_size", 1, kMaxSize * 4);
  options.num_layers = reader.integer("num_hidden_layers", 1, kMaxLayers);
  options.num_heads = reader.integer("num_attention_heads", 1, kMaxHeads);
  // What the classes of transformers take when the key is missing.
  const int64_t missing_kv = family == "llama" ? 0 : family == "mistral" ? 8 : 32;
  options.num_kv_heads = reader.integer_or(
      "num_key_value_heads", reader.mentions("num_key_value_heads") ? 0 : missing_kv, 1, kMaxHeads);
  options.head_dim = reader.integer_or("head_dim", qwen3 && !reader.mentions("head_dim") ? 128 : 0,
                                       1, kMaxHeadSize);
  const int64_t missing_positions = family == "llama"     ? 2048
                                    : family == "mistral" ? 4096 * 32
                                                          : 32768;
  options.max_positions =
      reader.integer_or("max_position_embeddings", missing_positions, 1, kMaxPositions);
  options.norm_epsilon = reader.number_or("rms_norm_eps", 1e-6, 1e-20, 1);
  options.tie_embeddings = reader.flag_or("tie_word_embeddings", false);
  options.qk_norm = qwen3;
  const bool attention_bias = reader.flag_or("attention_bias", false);
  if (family == "qwen2") {
    options.qkv_bias = true;
  } else if (family != "mistral") {
    options.qkv_bias = options.output_bias = attention_bias;
  }
  if (family == "llama") options.mlp_bias = reader.flag_or("mlp_bias", false);
  const std::string activation = reader.text_or("hidden_act", "silu");
  if (activation != "silu" && activation != "swish")
    reader.fail("hidden_act", fmt::format("is '{}'; only silu is known", activation));
  options.activation = "silu";
  check_heads(reader, options, "num_attention_heads");
  if (options.resolved_head_dim() % 2 != 0)
    reader.fail(options.head_dim == 0 ? "num_attention_heads" : "head_dim",
                fmt::format("gives heads of {} values; rotation needs an even number",
                            options.resolved_head_dim()));
  read_rope(reader, source, options);
  options.sliding_window = read_window(reader, options);
  return options;
}

json write_recurrent(const ModelOptions& options) {
  return {{"model_type", kTypePrefix + options.kind},
          {"vocab_size", options.vocab_size},
          {"embedding_size", options.embedding_size},
          {"hidden_size", options.hidden_size},
          {"num_layers", options.num_layers}};
}

json write_gpt2(const ModelOptions& options) {
  json n_inner;  // null = 4 * n_embd
  if (options.intermediate_size > 0) n_inner = options.intermediate_size;
  return {{"architectures", {"GPT2LMHeadModel"}},
          {"model_type", "gpt2"},
          {"vocab_size", options.vocab_size},
          {"n_embd", options.hidden_size},
          {"n_layer", options.num_layers},
          {"n_head", options.num_heads},
          {"n_positions", options.max_positions},
          {"n_ctx", options.max_positions},
          {"n_inner", n_inner},
          {"layer_norm_epsilon", options.norm_epsilon},
          {"activation_function", options.resolved_activation()},
          {"tie_word_embeddings", options.tie_embeddings},
          {"resid_pdrop", 0.0},
          {"embd_pdrop", 0.0},
          {"attn_pdrop", 0.0},
          {"torch_dtype", "float32"}};
}

// The form of transformers 4, which 5 reads too.
json write_scaling(const ModelOptions& options) {
  const RopeScaling& scaling = options.rope_scaling;
  if (scaling.type == "none") return nullptr;
  json block = {{"rope_type", scaling.type}, {"type", scaling.type}, {"factor", scaling.factor}};
  if (scaling.type == "linear") return block;
  block["original_max_position_embeddings"] =
      scaling.original_max_positions > 0 ? scaling.original_max_positions : options.max_positions;
  if (scaling.type == "llama3") {
    block["low_freq_factor"] = scaling.low_freq_factor;
    block["high_freq_factor"] = scaling.high_freq_factor;
    return block;
  }
  block["beta_fast"] = scaling.beta_fast;
  block["beta_slow"] = scaling.beta_slow;
  if (scaling.attention_factor > 0) block["attention_factor"] = scaling.attention_factor;
  if (scaling.mscale > 0) block["mscale"] = scaling.mscale;
  if (scaling.mscale_all_dim > 0) block["mscale_all_dim"] = scaling.mscale_all_dim;
  if (!scaling.truncate) block["truncate"] = false;
  return block;
}

json write_llama(const ModelOptions& options) {
  const char* architecture = options.family == "mistral" ? "MistralForCausalLM"
                             : options.family == "qwen2" ? "Qwen2ForCausalLM"
                             : options.family == "qwen3" ? "Qwen3ForCausalLM"
                                                         : "LlamaForCausalLM";
  json config = {{"architectures", {architecture}},
                 {"model_type", options.family},
                 {"vocab_size", options.vocab_size},
                 {"hidden_size", options.hidden_size},
                 {"intermediate_size", options.resolved_intermediate_size()},
                 {"num_hidden_layers", options.num_layers},
                 {"num_attention_heads", options.num_heads},
                 {"num_key_value_heads", options.resolved_kv_heads()},
                 {"head_dim", options.resolved_head_dim()},
                 {"max_position_embeddings", options.max_positions},
                 {"rms_norm_eps", options.norm_epsilon},
                 {"hidden_act", options.resolved_activation()},
                 {"tie_word_embeddings", options.tie_embeddings},
                 {"rope_theta", options.rope_theta},
                 {"rope_scaling", write_scaling(options)},
                 {"attention_dropout", 0.0},
                 {"torch_dtype", "float32"}};
  if (options.family == "llama" || options.family == "qwen3")
    config["attention_bias"] = options.qkv_bias;
  if (options.family == "llama") config["mlp_bias"] = options.mlp_bias;
  if (options.family == "mistral")
    config["sliding_window"] = options.sliding_window > 0 ? json(options.sliding_window) : json();
  if (options.family == "qwen2" || options.family == "qwen3") {
    config["use_sliding_window"] = options.sliding_window > 0;
    config["sliding_window"] = options.sliding_window > 0 ? json(options.sliding_window) : json();
    config["max_window_layers"] = options.sliding_window > 0 ? 0 : options.num_layers;
  }
  if (!options.rope_factors.empty()) config[kRopeFactors] = options.rope_factors;
  return config;
}

}  // namespace

nlohmann::json to_json(const ModelOptions& options) {
  PG_CHECK(options.is_recurrent() || options.is_transformer(), "kind {}", options.kind);
  if (options.is_recurrent()) return write_recurrent(options);
  return options.is_gpt2() ? write_gpt2(options) : write_llama(options);
}

ModelOptions model_options_from_json(const nlohmann::json& json, const std::string& source) {
  if (!json.is_object()) throw DataError(fmt::format("{}: expected a JSON object", source));
  const Reader reader(json, source);
  if (!reader.has("model_type")) reader.fail("model_type", "is missing or not a text");
  const std::string type = reader.text_or("model_type", "");
  if (type == "pgtrain_gru" || type == "pgtrain_lstm") return read_recurrent(reader, type);
  const bool is_llama = type == "llama" || type == "mistral" || type == "qwen2" || type == "qwen3";
  if (!is_llama && type != "gpt2")
    throw DataError(fmt::format(
        "{}: model_type '{}' is not known here; known are llama, mistral, qwen2, qwen3, "
        "gpt2, pgtrain_gru and pgtrain_lstm",
        source, type));
  refuse_foreign_settings(reader);
  return is_llama ? read_llama(reader, source, type) : read_gpt2(reader);
}

}  // namespace pgtrain
