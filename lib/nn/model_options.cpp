#include "nn/model_options.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "config/problems.h"
#include "config/section.h"
#include "core/error.h"
#include "nn/layer_names.h"
#include "nn/model_limits.h"

namespace pgtrain {
namespace {

struct KeyOfKinds {
  std::string_view key;
  std::string_view kinds;  // that read it, each between spaces
};

constexpr std::string_view kTransformers = " llama gpt2 ";
constexpr std::string_view kLlama = " llama ";
constexpr std::string_view kRandom = " gru lstm llama gpt2 ";

// The keys that not every kind reads. A block is listed once for all its keys.
constexpr std::array<KeyOfKinds, 22> kKeys = {{{"path", " pretrained "},
                                               {"vocab_size", kRandom},
                                               {"embedding_size", " gru lstm "},
                                               {"hidden_size", kRandom},
                                               {"num_layers", kRandom},
                                               {"num_heads", kTransformers},
                                               {"num_kv_heads", kLlama},
                                               {"head_dim", kLlama},
                                               {"intermediate_size", kTransformers},
                                               {"max_positions", kTransformers},
                                               {"norm_epsilon", kTransformers},
                                               {"tie_embeddings", kTransformers},
                                               {"activation", kTransformers},
                                               {"family", kLlama},
                                               {"rope_theta", kLlama},
                                               {"rope_scaling", kLlama},
                                               {"qkv_bias", kLlama},
                                               {"output_bias", kLlama},
                                               {"mlp_bias", kLlama},
                                               {"qk_norm", kLlama},
                                               {"sliding_window", kLlama},
                                               {"lora", " llama gpt2 pretrained "}}};

bool lists(std::string_view names, const std::string& name) {
  return names.find(" " + name + " ") != std::string_view::npos;
}

const KeyOfKinds* find_key(const std::string& key) {
  const auto* const found =
      std::find_if(kKeys.begin(), kKeys.end(), [&](const KeyOfKinds& k) { return k.key == key; });
  return found == kKeys.end() ? nullptr : found;
}

bool kind_reads(const std::string& kind, const std::string& key) {
  const KeyOfKinds* found = find_key(key);
  return found == nullptr || lists(found->kinds, kind);
}

// Which types of scaling read a key of rope_scaling.
bool scaling_reads(const std::string& type, const std::string& key) {
  if (key == "type") return true;
  if (key == "factor") return type != "none";
  if (key == "original_max_positions") return type == "llama3" || type == "yarn";
  if (key == "low_freq_factor" || key == "high_freq_factor") return type == "llama3";
  return type == "yarn";
}

void describe_scaling(Section& s, ModelOptions& options) {
  RopeScaling& o = options.rope_scaling;
  s.choice("type", o.type, {"none", "linear", "llama3", "yarn"},
           "how the rotary frequencies are stretched beyond the context of the first training");
  s.field("factor", o.factor, "by which the context grows", between(1.0, 1e6));
  s.field("low_freq_factor", o.low_freq_factor,
          "llama3: waves longer than the context / this are stretched", between(1e-6, 1e6));
  s.field("high_freq_factor", o.high_freq_factor,
          "llama3: waves shorter than the context / this stay", between(1e-6, 1e6));
  s.field("original_max_positions", o.original_max_positions,
          "llama3, yarn: the context of the first training; 0 = max_positions",
          between(0, kMaxPositions));
  s.field("beta_fast", o.beta_fast,
          "yarn: frequencies that turn more often within the context stay", between(1e-6, 1e6));
  s.field("beta_slow", o.beta_slow,
          "yarn: frequencies that turn less often within the context are stretched",
          between(1e-6, 1e6));
  s.field("attention_factor", o.attention_factor,
          "yarn: multiplies queries and keys; 0 = follows from factor", between(0.0, 1e3));
  s.field("mscale", o.mscale, "yarn: with mscale_all_dim gives attention_factor; 0 = not given",
          between(0.0, 1e3));
  s.field("mscale_all_dim", o.mscale_all_dim,
          "yarn: with mscale gives attention_factor; 0 = not given", between(0.0, 1e3));
  s.field("truncate", o.truncate, "yarn: whole numbers as limits of the ramp between the two");
  for (const Section::Item& item : s.items())
    std::get<std::unique_ptr<Field>>(item.content)->applies_if([&options, key = item.key] {
      return kind_reads(options.kind, "rope_scaling") &&
             scaling_reads(options.rope_scaling.type, key);
    });
}

void describe_lora(Section& s, ModelOptions& options) {
  LoraOptions& o = options.lora;
  s.field("rank", o.rank, "inner size of the adapters; 0 = none, every weight is trained",
          between(0, kMaxRank));
  s.field("alpha", o.alpha, "the adapters' output is multiplied by alpha / rank",
          open_closed(0.0, 1e6));
  s.field("dropout", o.dropout, "share of the adapters' inputs that training drops",
          closed_open(0.0, 1.0));
  s.field("use_rslora", o.use_rslora, "multiply by alpha / sqrt(rank) instead");
  s.field("target_modules", o.target_modules,
          "names of the layers with adapters, [q_proj, v_proj]; empty = all linear layers of the "
          "blocks");
  for (const Section::Item& item : s.items())
    std::get<std::unique_ptr<Field>>(item.content)->applies_if([&options, key = item.key] {
      return kind_reads(options.kind, "lora") && (key == "rank" || options.lora.enabled());
    });
}

// Every key of the section that was given but is not read.
void check_unread(const Section& section, const std::string& path, const std::string& why,
                  Problems& problems) {
  for (const Section::Item& item : section.items()) {
    const std::string key = path + "." + item.key;
    if (const auto* field = std::get_if<std::unique_ptr<Field>>(&item.content)) {
      if (!(*field)->applies() && problems.is_set(key))
        problems.add(key, fmt::format("has no effect with {}", why));
    }
  }
}

void check_sizes(const ModelOptions& o, const std::string& path, Problems& problems) {
  const auto key = [&](const char* name) { return path + "." + name; };
  if (o.head_dim == 0 && o.hidden_size % o.num_heads != 0)
    problems.add(key("num_heads"), fmt::format("does not divide hidden_size ({})", o.hidden_size));
  if (o.num_heads % o.resolved_kv_heads() != 0)
    problems.add(key("num_kv_heads"), fmt::format("does not divide num_heads ({})", o.num_heads));
  if (o.is_llama() && o.resolved_head_dim() % 2 != 0)
    problems.add(key(o.head_dim == 0 ? "num_heads" : "head_dim"),
                 fmt::format("gives heads of {} values; rotation needs an even number",
                             o.resolved_head_dim()));
  if (o.is_llama() && o.resolved_activation() != "silu")
    problems.add(key("activation"), "must be silu with kind 'llama'");
  if (o.is_gpt2() && o.resolved_activation() == "silu")
    problems.add(key("activation"), "must be gelu_new, gelu_pytorch_tanh or gelu with kind 'gpt2'");
  const RopeScaling& scaling = o.rope_scaling;
  if (scaling.type == "llama3" && scaling.high_freq_factor <= scaling.low_freq_factor)
    problems.add(key("rope_scaling.high_freq_factor"), "must be above low_freq_factor");
}

// What Hugging Face's model of the family does not have.
void check_family(const ModelOptions& o, const std::string& path, Problems& problems) {
  const auto refuse = [&](const char* key, bool given, const char* instead) {
    if (given)
      problems.add(path + "." + key,
                   fmt::format("family '{}' has no such part{}", o.family, instead));
  };
  const auto demand = [&](const char* key, bool given) {
    if (!given)
      problems.add(path + "." + key,
                   fmt::format("family '{}' always has it: set it to true", o.family));
  };
  const bool qwen3 = o.family == "qwen3";
  const bool llama = o.family == "llama";
  if (qwen3)
    demand("qk_norm", o.qk_norm);
  else
    refuse("qk_norm", o.qk_norm, "; 'qwen3' has it");
  if (o.family == "qwen2") {
    demand("qkv_bias", o.qkv_bias);
    refuse("output_bias", o.output_bias, "; 'llama' has it");
  } else if (o.family == "mistral") {
    refuse("qkv_bias", o.qkv_bias, "; 'llama' and 'qwen2' have it");
    refuse("output_bias", o.output_bias, "; 'llama' has it");
  } else if (o.qkv_bias != o.output_bias) {
    problems.add(
        path + ".output_bias",
        fmt::format("family '{}' has biases on both or none of qkv and output; 'qwen2' has "
                    "them on qkv alone",
                    o.family));
  }
  if (!llama) refuse("mlp_bias", o.mlp_bias, "; 'llama' has it");
  if (llama) refuse("sliding_window", o.sliding_window > 0, "; 'mistral' has it");
}

std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

void check_lora(const ModelOptions& o, const std::string& path, Problems& problems) {
  if (!o.is_transformer()) return;  // the layers of a pretrained model are not known yet
  const auto layers = adaptable_layers(o);
  std::vector<std::string> known;
  for (const std::string& layer : layers)
    if (std::find(known.begin(), known.end(), last_part(layer)) == known.end())
      known.push_back(last_part(layer));
  for (const std::string& target : o.lora.target_modules)
    if (std::none_of(layers.begin(), layers.end(),
                     [&](const std::string& layer) { return is_adapted(layer, {target}); }))
      problems.add(path + ".lora.target_modules",
                   fmt::format("'{}' names no linear layer of kind '{}'; known are {}", target,
                               o.kind, fmt::join(known, ", ")));
}

}  // namespace

double LoraOptions::scale() const {
  if (!enabled()) return 0;
  const auto r = static_cast<double>(rank);
  return alpha / (use_rslora ? std::sqrt(r) : r);
}

int64_t ModelOptions::resolved_kv_heads() const {
  return is_gpt2() || num_kv_heads == 0 ? num_heads : num_kv_heads;
}

int64_t ModelOptions::resolved_head_dim() const {
  return is_gpt2() || head_dim == 0 ? hidden_size / num_heads : head_dim;
}

int64_t ModelOptions::resolved_intermediate_size() const {
  if (intermediate_size > 0) return intermediate_size;
  if (is_gpt2()) return 4 * hidden_size;
  return (8 * hidden_size / 3 + 63) / 64 * 64;
}

std::string ModelOptions::resolved_activation() const {
  if (activation != "auto") return activation;
  return is_gpt2() ? "gelu_new" : "silu";
}

void describe(Section& section, ModelOptions& options) {
  section.choice(
      "kind", options.kind, {"gru", "lstm", "llama", "gpt2", "pretrained"},
      "the network: recurrent with a linear head, a transformer, or one read from files");
  section.field("path", options.path,
                "pretrained: a checkpoint, a Hugging Face folder or a GGUF file");
  section.field("vocab_size", options.vocab_size,
                "rows of the embedding and of the head; 0 = as many as the tokenizer has tokens",
                between(0, kMaxVocabulary));
  section.field("embedding_size", options.embedding_size,
                "gru, lstm: values of a token's embedding", between(1, kMaxSize));
  section.field("hidden_size", options.hidden_size, "values of a layer's state",
                between(1, kMaxSize));
  section.field("num_layers", options.num_layers, "recurrent layers or transformer blocks",
                between(1, kMaxLayers));
  section.field("num_heads", options.num_heads, "attention heads", between(1, kMaxHeads));
  section.field("num_kv_heads", options.num_kv_heads,
                "llama: heads of keys and values, shared by several query heads; 0 = num_heads",
                between(0, kMaxHeads));
  section.field("head_dim", options.head_dim,
                "llama: values of a head; 0 = hidden_size / num_heads", between(0, kMaxHeadSize));
  section.field("intermediate_size", options.intermediate_size,
                "values inside a feed-forward layer; 0 = 4 * hidden_size (gpt2) or 8/3 * "
                "hidden_size rounded up to a multiple of 64 (llama)",
                between(0, kMaxSize * 4));
  section.field("max_positions", options.max_positions, "tokens that a text may have",
                between(1, kMaxPositions));
  section.field("norm_epsilon", options.norm_epsilon, "added to the variance in norms",
                open_closed(0.0, 1.0));
  section.field("tie_embeddings", options.tie_embeddings,
                "the head is the embedding, one tensor for both");
  section.choice("activation", options.activation,
                 {"auto", "silu", "gelu_new", "gelu_pytorch_tanh", "gelu"},
                 "of the feed-forward layers; auto = silu (llama) or gelu_new (gpt2)");
  section.choice("family", options.family, {"llama", "mistral", "qwen2", "qwen3"},
                 "llama: the Hugging Face model type that checkpoints are written as");
  section.field("rope_theta", options.rope_theta, "llama: base of the rotary frequencies",
                open_closed(1.0, 1e12));
  describe_scaling(section.section("rope_scaling", "llama: rotary positions for long contexts"),
                   options);
  section.field("qkv_bias", options.qkv_bias, "llama: biases on queries, keys and values");
  section.field("output_bias", options.output_bias, "llama: bias on the attention's output");
  section.field("mlp_bias", options.mlp_bias, "llama: biases in the feed-forward layers");
  section.field("qk_norm", options.qk_norm, "llama: RMSNorm of each query and key head");
  section.field("sliding_window", options.sliding_window,
                "llama: tokens that attention sees, the newest included; 0 = all",
                between(0, kMaxPositions));
  describe_lora(section.section("lora", "low-rank adapters; the other weights stay as they are"),
                options);
  for (const Section::Item& item : section.items())
    if (const auto* field = std::get_if<std::unique_ptr<Field>>(&item.content))
      (*field)->applies_if([&options, key = item.key] { return kind_reads(options.kind, key); });
}

void check_model(const ModelOptions& options, const std::string& path, Problems& problems) {
  ModelOptions now = options;
  Section section;
  describe(section, now);
  const std::string kind = fmt::format("kind '{}'", now.kind);
  check_unread(section, path, kind, problems);
  for (const char* block : {"rope_scaling", "lora"}) {
    const auto& nested = *std::get<std::unique_ptr<Section>>(section.find(block)->content);
    std::string why = kind;
    if (kind_reads(now.kind, block))
      why = std::string_view(block) == "lora" ? "rank 0"
                                              : fmt::format("type '{}'", now.rope_scaling.type);
    check_unread(nested, path + "." + block, why, problems);
  }
  if (now.kind == "pretrained" && now.path.empty())
    problems.add(path + ".path", "kind 'pretrained' needs a folder or file");
  if (now.is_transformer()) check_sizes(now, path, problems);
  if (now.is_llama()) check_family(now, path, problems);
  check_lora(now, path, problems);
}

int64_t parameter_count(const ModelOptions& o) {
  if (o.is_recurrent()) {
    const int64_t gates = o.kind == "lstm" ? 4 : 3;
    int64_t count = o.vocab_size * o.embedding_size;
    for (int64_t layer = 0; layer < o.num_layers; ++layer) {
      const int64_t inputs = layer == 0 ? o.embedding_size : o.hidden_size;
      count += gates * o.hidden_size * (inputs + o.hidden_size + 2);
    }
    return count + o.vocab_size * (o.hidden_size + 1);
  }
  PG_CHECK(o.is_transformer(), "the size of kind '{}' is not known", o.kind);
  const int64_t hidden = o.hidden_size;
  const int64_t inner = o.resolved_intermediate_size();
  const int64_t tables = o.vocab_size * hidden * (o.tie_embeddings ? 1 : 2);
  if (o.is_gpt2()) {
    const int64_t layer = 4 * hidden + (hidden + 1) * 3 * hidden + (hidden + 1) * hidden +
                          (hidden + 1) * inner + (inner + 1) * hidden;
    return tables + o.max_positions * hidden + o.num_layers * layer + 2 * hidden;
  }
  const int64_t queries = o.num_heads * o.resolved_head_dim();
  const int64_t qkv = queries + 2 * o.resolved_kv_heads() * o.resolved_head_dim();
  const int64_t layer = 2 * hidden + qkv * (hidden + (o.qkv_bias ? 1 : 0)) + queries * hidden +
                        (o.output_bias ? hidden : 0) + 3 * inner * hidden +
                        (o.mlp_bias ? 2 * inner + hidden : 0) +
                        (o.qk_norm ? 2 * o.resolved_head_dim() : 0);
  return tables + o.num_layers * layer + hidden;
}

}  // namespace pgtrain
