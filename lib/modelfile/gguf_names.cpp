#include "modelfile/gguf_names.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/error.h"

namespace pgtrain {
namespace {

constexpr std::array<GgufArchitecture, 5> kArchitectures = {{
    {"llama", "llama", "LlamaForCausalLM", false, true},
    {"llama", "mistral", "MistralForCausalLM", false, true},
    {"qwen2", "qwen2", "Qwen2ForCausalLM", false, false},
    {"qwen3", "qwen3", "Qwen3ForCausalLM", false, false},
    {"gpt2", "gpt2", "GPT2LMHeadModel", true, false},
}};

struct Pair {
  const char* gguf;
  const char* hf;
  GgufLayout layout = GgufLayout::kSame;
};

constexpr Pair kLlamaModel[] = {
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"},
};
constexpr Pair kLlamaLayer[] = {
    {"attn_norm.weight", "input_layernorm.weight"},
    {"attn_q.weight", "self_attn.q_proj.weight", GgufLayout::kQuery},
    {"attn_q.bias", "self_attn.q_proj.bias", GgufLayout::kQuery},
    {"attn_k.weight", "self_attn.k_proj.weight", GgufLayout::kKey},
    {"attn_k.bias", "self_attn.k_proj.bias", GgufLayout::kKey},
    {"attn_v.weight", "self_attn.v_proj.weight"},
    {"attn_v.bias", "self_attn.v_proj.bias"},
    {"attn_output.weight", "self_attn.o_proj.weight"},
    {"attn_output.bias", "self_attn.o_proj.bias"},
    {"attn_q_norm.weight", "self_attn.q_norm.weight"},
    {"attn_k_norm.weight", "self_attn.k_norm.weight"},
    {"ffn_norm.weight", "post_attention_layernorm.weight"},
    {"ffn_gate.weight", "mlp.gate_proj.weight"},
    {"ffn_gate.bias", "mlp.gate_proj.bias"},
    {"ffn_up.weight", "mlp.up_proj.weight"},
    {"ffn_up.bias", "mlp.up_proj.bias"},
    {"ffn_down.weight", "mlp.down_proj.weight"},
    {"ffn_down.bias", "mlp.down_proj.bias"},
};
constexpr Pair kGpt2Model[] = {
    {"token_embd.weight", "transformer.wte.weight"},
    {"position_embd.weight", "transformer.wpe.weight"},
    {"output_norm.weight", "transformer.ln_f.weight"},
    {"output_norm.bias", "transformer.ln_f.bias"},
    {"output.weight", "lm_head.weight"},
};
constexpr Pair kGpt2Layer[] = {
    {"attn_norm.weight", "ln_1.weight"},
    {"attn_norm.bias", "ln_1.bias"},
    {"attn_qkv.weight", "attn.c_attn.weight", GgufLayout::kTransposed},
    {"attn_qkv.bias", "attn.c_attn.bias"},
    {"attn_output.weight", "attn.c_proj.weight", GgufLayout::kTransposed},
    {"attn_output.bias", "attn.c_proj.bias"},
    {"ffn_norm.weight", "ln_2.weight"},
    {"ffn_norm.bias", "ln_2.bias"},
    {"ffn_up.weight", "mlp.c_fc.weight", GgufLayout::kTransposed},
    {"ffn_up.bias", "mlp.c_fc.bias"},
    {"ffn_down.weight", "mlp.c_proj.weight", GgufLayout::kTransposed},
    {"ffn_down.bias", "mlp.c_proj.bias"},
};

struct Pairs {
  const Pair* begin;
  const Pair* end;
};
template <size_t N>
constexpr Pairs all(const Pair (&pairs)[N]) {
  return {pairs, pairs + N};
}

std::optional<GgufName> translate(Pairs pairs, const std::string& name, const char* Pair::*from,
                                  const char* Pair::*to) {
  for (const Pair* pair = pairs.begin; pair != pairs.end; ++pair)
    if (name == pair->*from) return GgufName{pair->*to, pair->layout};
  return std::nullopt;
}

// "blk.12.attn_q.weight" -> "12" and "attn_q.weight". False unless prefix, decimal number without
// superfluous zeros, dot.
bool split_layer(const std::string& name, const std::string& prefix, std::string& layer,
                 std::string& rest) {
  if (name.compare(0, prefix.size(), prefix) != 0) return false;
  const size_t dot = name.find('.', prefix.size());
  if (dot == std::string::npos) return false;
  layer = name.substr(prefix.size(), dot - prefix.size());
  rest = name.substr(dot + 1);
  const bool digits = !layer.empty() && layer.size() <= 6 &&
                      std::all_of(layer.begin(), layer.end(),
                                  [](char c) { return c >= '0' && c <= '9'; });
  return digits && (layer.size() == 1 || layer[0] != '0');
}

const char* hf_layer_prefix(const GgufArchitecture& architecture) {
  return architecture.is_gpt2 ? "transformer.h." : "model.layers.";
}

std::optional<GgufName> without_permutation(const GgufArchitecture& architecture,
                                            std::optional<GgufName> name) {
  if (name && !architecture.permutes &&
      (name->layout == GgufLayout::kQuery || name->layout == GgufLayout::kKey))
    name->layout = GgufLayout::kSame;
  return name;
}

std::optional<GgufName> translate_any(const GgufArchitecture& architecture, const std::string& name,
                                      const std::string& from_prefix, const std::string& to_prefix,
                                      const char* Pair::*from, const char* Pair::*to) {
  const Pairs model = architecture.is_gpt2 ? all(kGpt2Model) : all(kLlamaModel);
  const Pairs layers = architecture.is_gpt2 ? all(kGpt2Layer) : all(kLlamaLayer);
  std::string layer;
  std::string rest;
  if (!split_layer(name, from_prefix, layer, rest)) return translate(model, name, from, to);
  auto found = translate(layers, rest, from, to);
  if (found) found->name = fmt::format("{}{}.{}", to_prefix, layer, found->name);
  return without_permutation(architecture, found);
}

at::Tensor swap_in_heads(const at::Tensor& tensor, int64_t heads, int64_t outer, int64_t inner) {
  std::vector<int64_t> split = {heads, outer, inner};
  const auto sizes = tensor.sizes();
  split.insert(split.end(), sizes.begin() + 1, sizes.end());
  return tensor.reshape(split).transpose(1, 2).reshape(sizes);
}

int64_t half_head(const at::Tensor& tensor, int64_t heads) {
  PG_CHECK(tensor.dim() >= 1 && heads > 0 && tensor.size(0) % (2 * heads) == 0,
           "{} rows for {} heads", tensor.dim() == 0 ? 0 : tensor.size(0), heads);
  return tensor.size(0) / heads / 2;
}

template <class Member>
std::string list_of(Member member) {
  std::string names;
  const char* last = "";
  for (const GgufArchitecture& architecture : kArchitectures) {
    if (std::strcmp(last, architecture.*member) != 0)
      names += (names.empty() ? "" : ", ") + std::string(architecture.*member);
    last = architecture.*member;
  }
  return names;
}

const GgufArchitecture* find_in(const char* GgufArchitecture::*member, const std::string& name) {
  const auto* found = std::find_if(kArchitectures.begin(), kArchitectures.end(),
                                   [&](const auto& a) { return name == a.*member; });
  return found == kArchitectures.end() ? nullptr : found;
}

}  // namespace

const GgufArchitecture* find_gguf_architecture(const std::string& name) {
  return find_in(&GgufArchitecture::name, name);
}
const GgufArchitecture* find_by_model_type(const std::string& model_type) {
  return find_in(&GgufArchitecture::model_type, model_type);
}
std::string known_gguf_architectures() { return list_of(&GgufArchitecture::name); }
std::string known_model_types() { return list_of(&GgufArchitecture::model_type); }

std::optional<GgufName> hf_name(const GgufArchitecture& architecture, const std::string& gguf) {
  return translate_any(architecture, gguf, "blk.", hf_layer_prefix(architecture), &Pair::gguf,
                       &Pair::hf);
}

std::optional<GgufName> gguf_name(const GgufArchitecture& architecture, const std::string& hf) {
  return translate_any(architecture, hf, hf_layer_prefix(architecture), "blk.", &Pair::hf,
                       &Pair::gguf);
}

at::Tensor to_interleaved_rows(const at::Tensor& hf, int64_t heads) {
  return swap_in_heads(hf, heads, 2, half_head(hf, heads));
}

at::Tensor from_interleaved_rows(const at::Tensor& gguf, int64_t heads) {
  return swap_in_heads(gguf, heads, half_head(gguf, heads), 2);
}

}  // namespace pgtrain
