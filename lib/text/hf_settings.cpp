#include "core/error.h"
#include "text/hf_tokenizer.h"

namespace pgtrain {
namespace {

// A string, an object with "content", or nothing.
std::string read_token(const JsonView& config, const char* key) {
  const auto token = config.find(key);
  if (!token) return "";
  return token->is_object() ? token->at("content").string() : token->string();
}

void add_end_ids(const JsonView& config, std::vector<int64_t>& ids) {
  const auto eos = config.find("eos_token_id");
  if (!eos) return;
  const auto add = [&](const JsonView& id) {
    const int64_t value = id.integer(0, kMostTokenId);
    for (const int64_t other : ids)
      if (other == value) return;
    ids.push_back(value);
  };
  if (!eos->is_array()) return add(*eos);
  for (size_t i = 0; i < eos->size(); ++i) add(eos->at(i));
}

}  // namespace

HfTokenizerSettings hf_tokenizer_settings(const nlohmann::json& tokenizer_config,
                                          const nlohmann::json& generation_config,
                                          const nlohmann::json& config) {
  HfTokenizerSettings settings;
  if (!tokenizer_config.is_null()) {
    const JsonView view(tokenizer_config, "tokenizer_config.json");
    settings.bos_token = read_token(view, "bos_token");
    settings.eos_token = read_token(view, "eos_token");
    settings.pad_token = read_token(view, "pad_token");
    settings.unk_token = read_token(view, "unk_token");
    if (const auto add_bos = view.find("add_bos_token")) settings.add_bos = add_bos->boolean();
  }
  if (!generation_config.is_null())
    add_end_ids(JsonView(generation_config, "generation_config.json"), settings.end_ids);
  if (!config.is_null()) add_end_ids(JsonView(config, "config.json"), settings.end_ids);
  return settings;
}

}  // namespace pgtrain
