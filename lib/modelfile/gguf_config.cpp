// GGUF metadata -> config.json, and the vocabulary.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "modelfile/gguf_model.h"
#include "modelfile/gguf_names.h"
#include "modelfile/rope_scaling.h"
#include "modelfile/tensor_header.h"

namespace pgtrain {
namespace {

using Json = nlohmann::json;

constexpr int64_t kMaxSize = int64_t{1} << 24;  // of a width or a count of positions, tokens, heads
constexpr int64_t kMaxLayers = 4096;
constexpr double kFactorTolerance = 1e-5;
constexpr double kTwoPi = 6.283185307179586;

// Metadata under the architecture's prefix.
class Keys {
 public:
  Keys(const GgufFile& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}

  std::string name(const std::string& key) const { return prefix_ + "." + key; }
  int64_t size(const std::string& key, int64_t highest = kMaxSize) const {
    const auto value = file_.integer(name(key), 1, highest);
    if (!value) throw DataError(fmt::format("{}: key \"{}\" is missing", file_.path(), name(key)));
    return *value;
  }
  int64_t size_or(const std::string& key, int64_t fallback) const {
    return file_.integer(name(key), 1, kMaxSize).value_or(fallback);
  }
  double positive(const std::string& key, double fallback) const {
    const double value = file_.number(name(key)).value_or(fallback);
    if (!(value > 0)) refuse(key, "must be positive");
    return value;
  }
  std::optional<double> number(const std::string& key) const { return file_.number(name(key)); }
  std::optional<std::string> text(const std::string& key) const { return file_.text(name(key)); }
  bool has(const std::string& key) const { return file_.metadata().count(name(key)) != 0; }
  [[noreturn]] void refuse(const std::string& key, const std::string& problem) const {
    throw DataError(fmt::format("{}: key \"{}\" {}", file_.path(), name(key), problem));
  }

 private:
  const GgufFile& file_;
  std::string prefix_;
};

const GgufArchitecture& architecture_of(const GgufFile& file) {
  const auto name = file.text("general.architecture");
  if (!name)
    throw DataError(fmt::format("{}: key \"general.architecture\" is missing", file.path()));
  const GgufArchitecture* found = find_gguf_architecture(*name);
  if (found == nullptr)
    throw DataError(fmt::format("{}: the architecture {} cannot be read; known are {}", file.path(),
                                printable(*name), known_gguf_architectures()));
  return *found;
}

void refuse_parts(const GgufFile& file) {
  if (const auto type = file.text("general.type"); type && *type != "model")
    throw DataError(fmt::format("{}: holds no model but {} (key \"general.type\")", file.path(),
                                printable(*type)));
  if (file.integer("split.count", 0, 65535).value_or(1) > 1)
    throw DataError(fmt::format(
        "{}: is one part of a split model; merge the parts first (llama-gguf-split --merge)",
        file.path()));
}

const GgufTensor& matrix(const GgufFile& file, const std::string& name) {
  const GgufTensor* tensor = file.find_tensor(name);
  if (tensor == nullptr)
    throw DataError(fmt::format("{}: tensor \"{}\" is missing", file.path(), name));
  if (tensor->shape.size() != 2)
    throw DataError(fmt::format("{}: tensor \"{}\" has the shape {}, it must be a matrix",
                                file.path(), name, shape_text(tensor->shape)));
  return *tensor;
}

// Rows of the embedding.
int64_t vocabulary_size(const GgufFile& file, const Keys& keys, int64_t width) {
  const GgufTensor& embedding = matrix(file, "token_embd.weight");
  if (embedding.shape[0] > kMaxSize || embedding.shape[1] != width)
    throw DataError(
        fmt::format("{}: tensor \"token_embd.weight\" has the shape {}, its rows must "
                    "have {} values",
                    file.path(), shape_text(embedding.shape), width));
  if (keys.size_or("vocab_size", embedding.shape[0]) != embedding.shape[0])
    keys.refuse("vocab_size",
                fmt::format("contradicts the {} rows of token_embd.weight", embedding.shape[0]));
  return embedding.shape[0];
}

void add_yarn(const Keys& keys, Json& scaling) {
  const std::pair<const char*, const char*> parameters[] = {
      {"rope.scaling.yarn_beta_fast", "beta_fast"},
      {"rope.scaling.yarn_beta_slow", "beta_slow"},
      {"rope.scaling.yarn_attn_factor", "attention_factor"},
      {"rope.scaling.yarn_ext_factor", "extrapolation_factor"}};
  for (const auto& [key, name] : parameters)
    if (const auto value = keys.number(key)) scaling[name] = *value;
  if (keys.has("rope.scaling.original_context_length"))
    scaling["original_max_position_embeddings"] = keys.size("rope.scaling.original_context_length");
  for (const char* key : {"rope.scaling.attn_factor", "rope.scaling.yarn_log_multiplier"})
    if (keys.has(key)) keys.refuse(key, "is not supported");
}

Json scaling_of_keys(const Keys& keys) {
  const bool old = keys.has("rope.scale_linear");
  const std::string type = keys.text("rope.scaling.type").value_or(old ? "linear" : "none");
  if (type == "none") return {};
  if (type != "linear" && type != "yarn")
    keys.refuse("rope.scaling.type",
                fmt::format("is {}; none, linear and yarn are known", printable(type)));
  Json scaling = {{"rope_type", type}};
  scaling["factor"] = keys.positive(
      keys.has("rope.scaling.factor") || !old ? "rope.scaling.factor" : "rope.scale_linear", 1);
  if (type == "yarn") add_yarn(keys, scaling);
  return scaling;
}

bool are_close(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (std::abs(a[i] - b[i]) > kFactorTolerance * std::abs(b[i])) return false;
  return true;
}

// Llama 3's scaling with the bounds 1 and 4 that could have made the factors: the factor is the
// largest of them; one between 1 and it is 1 / ((1 - s) / factor + s) of a known wavelength w, and
// original = w (1 + 3 s).
Llama3Scaling guess_scaling(const std::vector<float>& factors, double theta, int64_t head_dim) {
  Llama3Scaling scaling;
  scaling.factor = *std::max_element(factors.begin(), factors.end());
  for (size_t i = 0; i < factors.size(); ++i) {
    if (factors[i] <= 1 || factors[i] >= scaling.factor) continue;
    const double smooth = (1 / double{factors[i]} - 1 / scaling.factor) / (1 - 1 / scaling.factor);
    const double wavelength =
        kTwoPi * std::pow(theta, 2 * static_cast<double>(i) / static_cast<double>(head_dim));
    const double original =
        std::round(wavelength * (scaling.low_freq_factor +
                                 smooth * (scaling.high_freq_factor - scaling.low_freq_factor)));
    if (original >= 1 && original <= static_cast<double>(kMaxSize))
      scaling.original_max_position_embeddings = original;
    break;
  }
  return scaling;
}

void add_rope_factors(const GgufFile& file, int64_t head_dim, Json& config) {
  const GgufTensor* tensor = file.find_tensor("rope_freqs.weight");
  if (tensor == nullptr) return;
  if (tensor->shape != std::vector<int64_t>{head_dim / 2})
    throw DataError(
        fmt::format("{}: tensor \"rope_freqs.weight\" has the shape {}, it must be [{}]",
                    file.path(), shape_text(tensor->shape), head_dim / 2));
  std::vector<float> factors(static_cast<size_t>(head_dim / 2));
  file.read(*tensor, factors.data());
  for (const float factor : factors)
    if (!std::isfinite(factor) || factor <= 0)
      throw DataError(
          fmt::format("{}: tensor \"rope_freqs.weight\" holds {}, all must be finite and positive",
                      file.path(), factor));
  const double theta = config["rope_theta"].get<double>();
  const Llama3Scaling scaling = guess_scaling(factors, theta, head_dim);
  if (are_close(factors, llama3_rope_factors(theta, head_dim, scaling)))
    config["rope_scaling"] = {{"rope_type", "llama3"},
                              {"factor", scaling.factor},
                              {"low_freq_factor", scaling.low_freq_factor},
                              {"high_freq_factor", scaling.high_freq_factor},
                              {"original_max_position_embeddings",
                               static_cast<int64_t>(scaling.original_max_position_embeddings)}};
  else
    config["pgtrain_rope_factors"] = factors;
}

int64_t head_size(const Keys& keys, int64_t width, int64_t heads) {
  if (!keys.has("attention.key_length") && width % heads != 0)
    keys.refuse("attention.head_count",
                fmt::format("is {}, which does not divide the width {}", heads, width));
  const int64_t size = keys.size_or("attention.key_length", width / heads);
  if (keys.size_or("attention.value_length", size) != size)
    keys.refuse("attention.value_length", "differs from attention.key_length");
  if (keys.size_or("rope.dimension_count", size) != size || size % 2 != 0)
    keys.refuse("rope.dimension_count",
                fmt::format("must be the head's size {}, an even number", size));
  return size;
}

void add_ids(const GgufFile& file, Json& object) {
  const std::pair<const char*, const char*> ids[] = {
      {"bos_token_id", "tokenizer.ggml.bos_token_id"},
      {"eos_token_id", "tokenizer.ggml.eos_token_id"}};
  for (const auto& [name, key] : ids)
    if (const auto id = file.integer(key, 0, kMaxSize)) object[name] = *id;
}

void add_llama(const GgufFile& file, const Keys& keys, Json& config) {
  const int64_t width = keys.size("embedding_length");
  const int64_t heads = keys.size("attention.head_count");
  const int64_t kv_heads = keys.size_or("attention.head_count_kv", heads);
  if (heads % kv_heads != 0)
    keys.refuse("attention.head_count_kv",
                fmt::format("is {}, which does not divide the {} heads", kv_heads, heads));
  if (keys.size_or("expert_count", 1) > 1) keys.refuse("expert_count", "is not supported");
  config["hidden_size"] = width;
  config["intermediate_size"] = keys.size("feed_forward_length");
  config["num_hidden_layers"] = keys.size("block_count", kMaxLayers);
  config["num_attention_heads"] = heads;
  config["num_key_value_heads"] = kv_heads;
  config["head_dim"] = head_size(keys, width, heads);
  config["max_position_embeddings"] = keys.size("context_length", int64_t{1} << 31);
  config["rms_norm_eps"] = keys.positive("attention.layer_norm_rms_epsilon", 1e-5);
  config["hidden_act"] = "silu";
  config["rope_theta"] = keys.positive("rope.freq_base", 10000);
  config["rope_scaling"] = scaling_of_keys(keys);
  add_rope_factors(file, config["head_dim"].get<int64_t>(), config);
  config["vocab_size"] = vocabulary_size(file, keys, width);
}

// Which of the optional biases the first layer has.
void add_biases(const GgufFile& file, Json& config) {
  const auto has = [&](const char* name) { return file.find_tensor(name) != nullptr; };
  config["attention_bias"] = has("blk.0.attn_q.bias");
  config["mlp_bias"] = has("blk.0.ffn_up.bias");
}

void add_gpt2(const GgufFile& file, const Keys& keys, Json& config) {
  const int64_t width = keys.size("embedding_length");
  const int64_t heads = keys.size("attention.head_count");
  if (width % heads != 0)
    keys.refuse("attention.head_count",
                fmt::format("is {}, which does not divide the width {}", heads, width));
  config["n_embd"] = width;
  config["n_inner"] = keys.size("feed_forward_length");
  config["n_layer"] = keys.size("block_count", kMaxLayers);
  config["n_head"] = heads;
  config["n_positions"] = keys.size("context_length");
  config["layer_norm_epsilon"] = keys.positive("attention.layer_norm_epsilon", 1e-5);
  config["activation_function"] = "gelu_new";
  config["vocab_size"] = vocabulary_size(file, keys, width);
}

std::string id_key(const char* name) { return fmt::format("tokenizer.ggml.{}_token_id", name); }

}  // namespace

Json hf_config_of(const GgufFile& file) {
  refuse_parts(file);
  const GgufArchitecture* architecture = &architecture_of(file);
  const Keys keys(file, architecture->name);
  const bool slides = !architecture->is_gpt2 && keys.has("attention.sliding_window");
  if (slides && std::string(architecture->name) == "llama")
    architecture = find_by_model_type("mistral");
  Json config = {{"model_type", architecture->model_type},
                 {"architectures", {architecture->hf_class}}};
  if (architecture->is_gpt2) {
    add_gpt2(file, keys, config);
  } else {
    add_llama(file, keys, config);
    if (std::string(architecture->model_type) == "llama") add_biases(file, config);
    if (slides) {
      config["sliding_window"] = keys.size("attention.sliding_window", int64_t{1} << 31);
      if (architecture->name != std::string("llama")) {
        config["use_sliding_window"] = true;
        config["max_window_layers"] = 0;  // all layers have the window
      }
    }
  }
  config["tie_word_embeddings"] = file.find_tensor("output.weight") == nullptr;
  add_ids(file, config);
  return config;
}

Json hf_generation_config_of(const GgufFile& file) {
  Json config = Json::object();
  add_ids(file, config);
  return config;
}

GgufVocabulary read_gguf_vocabulary(const GgufFile& file) {
  GgufVocabulary vocabulary;
  vocabulary.model = file.text("tokenizer.ggml.model").value_or("");
  vocabulary.pre = file.text("tokenizer.ggml.pre").value_or("");
  vocabulary.chat_template = file.text("tokenizer.chat_template").value_or("");
  vocabulary.add_bos = file.boolean("tokenizer.ggml.add_bos_token");
  vocabulary.add_eos = file.boolean("tokenizer.ggml.add_eos_token");
  vocabulary.add_space_prefix = file.boolean("tokenizer.ggml.add_space_prefix");
  // Looked at before any of the tokens is copied: so memory stays in proportion to the file.
  const auto rows = static_cast<uint64_t>(matrix(file, "token_embd.weight").shape[0]);
  const auto check = [&](const char* key, bool optional) {
    const uint64_t size = file.array_size(key);
    if (size != rows && !(optional && size == 0))
      throw DataError(fmt::format("{}: key \"{}\" has {} elements, token_embd.weight has {} rows",
                                  file.path(), key, size, rows));
  };
  check("tokenizer.ggml.tokens", false);
  check("tokenizer.ggml.scores", true);
  check("tokenizer.ggml.token_type", true);
  vocabulary.tokens = file.texts("tokenizer.ggml.tokens");
  vocabulary.scores = file.floats("tokenizer.ggml.scores");
  vocabulary.types = file.integers("tokenizer.ggml.token_type");
  vocabulary.merges = file.texts("tokenizer.ggml.merges");
  const auto highest = static_cast<int64_t>(rows) - 1;
  const auto id = [&](const char* name) {
    return file.integer(id_key(name), 0, highest).value_or(-1);
  };
  vocabulary.bos = id("bos");
  vocabulary.eos = id("eos");
  vocabulary.unk = id("unknown");
  vocabulary.pad = id("padding");
  return vocabulary;
}

}  // namespace pgtrain
