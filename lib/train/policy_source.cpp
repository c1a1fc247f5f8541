#include "train/policy_source.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "modelfile/model_tokenizer.h"
#include "modelfile/tensor_header.h"
#include "nn/layer_names.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxTemplateBytes = uint64_t{1} << 20;
// What templates take for the present day, 26 July 2024 (the date that Llama 3.1's template has
// where it is not told): prompts must not change from one day to the next.
constexpr std::time_t kTemplateTime = 1721995200;

constexpr int kMaxAdapters = 8;  // on top of one another

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// Tensors that files hold although they are no parameters.
bool is_superfluous(const std::string& name) { return ends_with(name, ".rotary_emb.inv_freq"); }

int64_t element_count(const WeightSource& source) {
  int64_t total = 0;
  for (const std::string& name : source.names()) {
    if (is_superfluous(name)) continue;
    int64_t count = 1;
    for (const int64_t size : source.shape(name)) count *= size;
    total += count;
  }
  return total;
}

fs::path base_of(const LoraAdapter& adapter, const fs::path& folder) {
  if (adapter.base_model.empty())
    throw DataError(
        fmt::format("{}: the adapter does not say what its base model is "
                    "(base_model_name_or_path)",
                    folder.string()));
  for (const fs::path& path : {fs::path(adapter.base_model), folder / adapter.base_model})
    if (fs::exists(path)) return path;
  throw DataError(
      fmt::format("{}: the base model {} is not here; nothing is fetched: put it there, or change "
                  "base_model_name_or_path in adapter_config.json",
                  folder.string(), adapter.base_model));
}

LoraOptions lora_options(const LoraAdapter& adapter) {
  LoraOptions options;
  options.rank = adapter.rank;
  options.alpha = adapter.alpha;
  options.dropout = adapter.dropout;
  options.use_rslora = adapter.use_rslora;
  options.target_modules = adapter.target_modules;
  return options;
}

// The tokenizer of the folder itself where it has one; of the base otherwise.
void take_text(PolicySource& source, PretrainedModel& model) {
  const bool has_tokenizer =
      !model.tokenizer.is_null() || !model.tokenizer_model.empty() || model.vocabulary;
  if (!has_tokenizer && source.text.tokenizer) return;
  source.text.tokenizer = make_tokenizer(model);
  source.text.files.tokenizer_config = std::move(model.tokenizer_config);
  source.text.files.generation_config = std::move(model.generation_config);
  source.text.files.chat_template = std::move(model.chat_template);
}

PolicySource open_model(PretrainedModel& model) {
  PolicySource source;
  const std::string place =
      model.format == "gguf" ? model.path.string() : (model.path / "config.json").string();
  source.model = model_options_from_json(model.config, place);
  const int64_t stored = element_count(*model.weights);
  if (stored != parameter_count(source.model))
    throw DataError(fmt::format("{}: holds {} parameters, a model as in {} has {}",
                                model.path.string(), stored, place, parameter_count(source.model)));
  source.weights = model.weights;
  return source;
}

PolicySource open_at_depth(const fs::path& path, AdapterUse use, int depth) {
  if (depth > kMaxAdapters)
    throw DataError(fmt::format("{}: more than {} adapters on top of one another, or in a circle",
                                path.string(), kMaxAdapters));
  PretrainedModel model = open_pretrained(path);
  PolicySource source;
  if (model.adapter) {
    const fs::path base = base_of(*model.adapter, path);
    source = open_at_depth(base, AdapterUse::kMerge, depth + 1);
    source.base = base.string();
    if (use == AdapterUse::kMerge) {
      source.merged.push_back(std::move(*model.adapter));
    } else {
      source.model.lora = lora_options(*model.adapter);
      source.adapter = std::move(*model.adapter);
    }
  } else {
    source = open_model(model);
    source.base = path.string();
  }
  take_text(source, model);
  if (source.model.vocab_size < source.text.tokenizer->vocab_size())
    throw DataError(fmt::format("{}: vocab_size is {}, but the tokenizer has {} tokens",
                                path.string(), source.model.vocab_size,
                                source.text.tokenizer->vocab_size()));
  return source;
}

bool is_built_in(const std::string& chat_template) {
  const auto names = ChatTemplate::built_in_names();
  return std::find(names.begin(), names.end(), chat_template) != names.end();
}

at::Tensor target_of(const std::vector<NamedTensor>& targets, const std::string& name,
                     const std::string& place) {
  for (const NamedTensor& target : targets)
    if (target.name == name) return target.tensor.detach();
  throw DataError(fmt::format("{}: the network has no {} for the adapter", place, name));
}

}  // namespace

std::vector<int64_t> PolicyText::encode_prompt(const Record& record) const {
  if (record.messages.empty() && !wraps_prompts) return tokenizer->encode_prompt(record.prompt);
  if (!chat)
    throw ConfigError(
        "the prompt is a list of messages, but the model has no chat template: name one in "
        "data.chat_template");
  std::vector<ChatMessage> messages = record.messages;
  if (messages.empty()) messages.push_back({"user", record.prompt});
  if (!system_prompt.empty() && messages.front().role != "system")
    messages.insert(messages.begin(), {"system", system_prompt});
  std::vector<int64_t> ids = tokenizer->encode_with_special(chat->render(messages, true));
  return ids.empty() ? tokenizer->encode_prompt("") : ids;
}

void PolicyText::set_recorded_chat(const std::string& name, const std::string& system) {
  set_chat(name.empty() || is_built_in(name) ? name : "model", system);
}

void PolicyText::set_chat(const std::string& name, const std::string& system) {
  ChatTemplate::Options options;
  options.now = kTemplateTime;
  const auto token = [&](int64_t id) { return id < 0 ? "" : tokenizer->token_text(id); };
  options.bos_token = token(tokenizer->bos_id());
  options.eos_token = token(tokenizer->eos_id());
  wraps_prompts = !name.empty();
  system_prompt = system;
  const auto names = ChatTemplate::built_in_names();
  if (name.empty() || name == "model") {
    if (files.chat_template.empty() && name.empty()) return;
    if (files.chat_template.empty())
      throw ConfigError(fmt::format("the model brings no chat template; built in are {}",
                                    fmt::join(names, ", ")));
    options.name = "the model's chat template";
    chat = std::make_shared<ChatTemplate>(files.chat_template, options);
  } else if (is_built_in(name)) {
    chat = std::make_shared<ChatTemplate>(ChatTemplate::built_in(name, options));
  } else if (fs::exists(name)) {
    options.name = name;
    files.chat_template = read_file(name, kMaxTemplateBytes);
    if (files.chat_template.find_first_not_of(" \t\r\n") == std::string::npos)
      throw ConfigError(fmt::format("{} is empty", name));
    chat = std::make_shared<ChatTemplate>(files.chat_template, options);
  } else {
    throw ConfigError(fmt::format("'{}' is neither 'model', nor built in ({}), nor a file", name,
                                  fmt::join(names, ", ")));
  }
}

std::vector<std::string> adaptable_modules(const ModelOptions& options) {
  ModelOptions one = options;
  one.num_layers = 1;
  std::vector<std::string> names;
  for (const std::string& layer : adaptable_layers(one)) {
    const std::string name = layer.substr(layer.rfind('.') + 1);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

PolicySource open_policy_source(const fs::path& path, AdapterUse use) {
  return open_at_depth(path, use, 0);
}

void read_weights(const WeightSource& source, const std::string& place,
                  const std::vector<NamedTensor>& targets) {
  std::set<std::string> wanted;
  for (const NamedTensor& target : targets) {
    if (!source.has(target.name))
      throw DataError(fmt::format("{}: has no tensor {}, which the network of its config needs",
                                  place, target.name));
    wanted.insert(target.name);
  }
  for (const std::string& name : source.names())
    if (wanted.count(name) == 0 && !is_superfluous(name))
      throw DataError(
          fmt::format("{}: tensor {} is not part of the network of its config", place, name));
  for (const NamedTensor& target : targets) source.read_into(target.name, target.tensor);
}

void merge_adapter(const LoraAdapter& adapter, const std::string& place,
                   const std::vector<NamedTensor>& targets) {
  for (const LoraAdapter::Pair& pair : adapter.pairs) {
    const at::Tensor weight = target_of(targets, pair.module + ".weight", place);
    const auto [out, in] = adapter.fan_in_fan_out ? std::pair(weight.size(1), weight.size(0))
                                                  : std::pair(weight.size(0), weight.size(1));
    if (pair.a.size(1) != in || pair.b.size(0) != out)
      throw DataError(
          fmt::format("{}: the adapter of {} is for {} inputs and {} outputs, the "
                      "weight has {} and {}",
                      place, pair.module, pair.a.size(1), pair.b.size(0), in, out));
    weight.copy_(merged(weight, pair.a, pair.b, adapter.scale(), adapter.fan_in_fan_out));
  }
}

void copy_adapter(const LoraAdapter& adapter, const std::string& place,
                  const std::vector<NamedTensor>& targets) {
  if (targets.size() != 2 * adapter.pairs.size())
    throw DataError(fmt::format("{}: the adapter has {} modules, its target_modules name {}", place,
                                adapter.pairs.size(), targets.size() / 2));
  const auto copy = [&](const std::string& name, const at::Tensor& value) {
    const at::Tensor target = target_of(targets, name, place);
    if (target.sizes() != value.sizes())
      throw DataError(fmt::format("{}: {} has shape {}, the network's is {}", place, name,
                                  shape_text(value.sizes().vec()),
                                  shape_text(target.sizes().vec())));
    target.copy_(value);
  };
  for (const LoraAdapter::Pair& pair : adapter.pairs) {
    copy("base_model.model." + pair.module + ".lora_A.weight", pair.a);
    copy("base_model.model." + pair.module + ".lora_B.weight", pair.b);
  }
}

}  // namespace pgtrain
