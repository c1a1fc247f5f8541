#include "modelfile/model_tokenizer.h"

#include "core/error.h"
#include "text/gguf_vocabulary.h"
#include "text/hf_tokenizer.h"
#include "text/sentencepiece_model.h"

namespace pgtrain {
namespace {

HfTokenizerSettings settings_of(const PretrainedModel& model) {
  return hf_tokenizer_settings(model.tokenizer_config, model.generation_config, model.config);
}

}  // namespace

std::unique_ptr<Tokenizer> make_tokenizer(const PretrainedModel& model) {
  const std::string place = model.path.string();
  if (model.vocabulary)
    return hf_tokenizer_from_json(tokenizer_json_from_gguf(*model.vocabulary, place),
                                  gguf_settings(*model.vocabulary), place);
  const std::string source = (model.path / "tokenizer.json").string();
  if (model.tokenizer.contains("pgtrain_tokenizer"))
    return tokenizer_from_json(model.tokenizer, source);
  if (!model.tokenizer.is_null())
    return hf_tokenizer_from_json(model.tokenizer, settings_of(model), source);
  if (!model.tokenizer_model.empty()) {
    const std::string file = (model.path / "tokenizer.model").string();
    return hf_tokenizer_from_json(tokenizer_json_from_sentencepiece(model.tokenizer_model, file),
                                  settings_of(model), file);
  }
  throw DataError(fmt::format("{}: holds neither tokenizer.json nor tokenizer.model", place));
}

void describe_tokenizer(const Tokenizer& tokenizer, ModelFiles& files) {
  const auto* hf = dynamic_cast<const HuggingFaceTokenizer*>(&tokenizer);
  if (hf == nullptr) {
    files.tokenizer = tokenizer.to_json();
    return;
  }
  files.tokenizer = hf->original_json();
  nlohmann::json& config = files.tokenizer_config;
  if (config.is_null()) config = {{"tokenizer_class", "PreTrainedTokenizerFast"}};
  const HfTokenizerSettings& settings = hf->settings();
  const auto add = [&](const char* key, const std::string& token) {
    if (!token.empty() && !config.contains(key)) config[key] = token;
  };
  add("bos_token", settings.bos_token);
  add("eos_token", settings.eos_token);
  add("pad_token", settings.pad_token);
  add("unk_token", settings.unk_token);
  if (settings.add_bos && !config.contains("add_bos_token"))
    config["add_bos_token"] = *settings.add_bos;
}

}  // namespace pgtrain
