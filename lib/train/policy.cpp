#include "train/policy.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/memory.h"
#include "modelfile/model_tokenizer.h"

namespace pgtrain {
namespace {

constexpr const char* kWeightsFile = "model.safetensors";
constexpr const char* kAdapterFile = "adapter_model.safetensors";
constexpr const char* kAdapterConfig = "adapter_config.json";
constexpr const char* kValueFile = "value.safetensors";
const std::string kValueNetwork = "value_network.";
const std::string kValueHead = "value_head.";

bool starts_with(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

ValueNetwork value_network_in(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / kValueFile)) return ValueNetwork::kNone;
  const TensorFile file = TensorFile::open(folder / kValueFile);
  const auto& names = file.names();
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return starts_with(name, kValueNetwork); })
             ? ValueNetwork::kSeparate
             : ValueNetwork::kShared;
}

// "base_model.model.X.lora_A.weight" -> X
std::string adapted_module(const std::string& name) {
  const std::string prefix = "base_model.model.";
  PG_CHECK(starts_with(name, prefix), "{} is no adapter", name);
  return name.substr(prefix.size(), name.rfind(".lora_") - prefix.size());
}

void check_fits(const ModelOptions& model, const std::filesystem::path& path) {
  const int64_t count = parameter_count(model);
  const uint64_t bytes = static_cast<uint64_t>(count) * sizeof(float);
  const uint64_t available = available_memory();
  if (available > 0 && bytes > available)
    throw DataError(
        fmt::format("{}: {} parameters x 4 B = {} do not fit into the {} of memory that "
                    "are available",
                    path.string(), count, format_bytes(bytes), format_bytes(available)));
}

// "" for no parameters.
std::string digest_of(const std::vector<LanguageModel::Parameter>& parameters) {
  std::string lines;
  for (const auto& parameter : parameters) {
    const at::Tensor& values = *parameter.tensor;
    PG_CHECK(values.is_contiguous(), "{} is not contiguous", parameter.name);
    lines += sha256({static_cast<const char*>(values.data_ptr()), values.nbytes()});
    lines += " " + parameter.name + "\n";
  }
  return lines.empty() ? "" : sha256(lines);
}

}  // namespace

Parallelism default_parallelism(const ModelOptions& options) {
  return parameter_count(options) >= kManyParameters ? Parallelism::kOperators
                                                     : Parallelism::kSequences;
}

Network::Network(const ModelOptions& options, ValueNetwork value)
    : model(make_language_model(options)) {
  if (value == ValueNetwork::kNone) return;
  const bool separate = value == ValueNetwork::kSeparate;
  if (separate) value_model = make_language_model(options);
  value_head = std::make_unique<ValueHead>(options.hidden_size, separate);
}

std::vector<LanguageModel::Parameter> Network::parameters() {
  auto result = model->parameters();
  if (value_model)
    for (const auto& parameter : value_model->parameters())
      result.push_back({kValueNetwork + parameter.name, parameter.tensor});
  if (value_head)
    for (const auto& parameter : value_head->parameters()) result.push_back(parameter);
  return result;
}

at::Tensor Network::values(const at::Tensor& hidden,
                           const std::vector<const Sequence*>& batch) const {
  return value_head->values(value_model ? value_model->hidden(batch) : hidden);
}

Policy::Policy(PolicyText text, std::string base, const ModelOptions& options, ValueNetwork value)
    : value_(value),
      text_(std::move(text)),
      base_(std::move(base)),
      network_(options, value),
      parallelism_(default_parallelism(options)) {
  PG_CHECK(options.vocab_size >= tokenizer().vocab_size(), "{} rows for {} tokens",
           options.vocab_size, tokenizer().vocab_size());
  parameters_ = std::make_unique<ParameterBuffer>(network_.parameters());
}

Policy::Policy(PolicySource source, ValueNetwork value, uint64_t seed)
    : Policy(std::move(source.text), std::move(source.base), source.model, value) {
  if (source.weights) {
    load(source, seed);
    return;
  }
  initialise(seed);
}

void Policy::initialise(uint64_t seed) {
  const c10::NoGradGuard no_grad;
  network_.model->initialise(seed);
  if (network_.value_model) network_.value_model->initialise(seed);
}

Policy::Policy(std::shared_ptr<const Tokenizer> tokenizer, const ModelOptions& options,
               ValueNetwork value, uint64_t seed)
    : Policy(PolicyText(std::move(tokenizer)), "", options, value) {
  initialise(seed);
}

// The base's weights, what is merged into them, then the adapters.
void Policy::load(const PolicySource& source, uint64_t seed) {
  const c10::NoGradGuard no_grad;
  LanguageModel& model = *network_.model;
  const bool has_adapters = source.model.lora.enabled();
  std::vector<NamedTensor> targets;
  for (const auto& parameter : has_adapters ? model.frozen_parameters() : model.parameters())
    targets.push_back({parameter.name, parameter.tensor->detach()});
  read_weights(*source.weights, base_, targets);
  for (const LoraAdapter& adapter : source.merged) merge_adapter(adapter, base_, targets);
  if (source.adapter)
    copy_adapter(*source.adapter, base_, named_values(false));
  else
    model.initialise_adapters(seed);
  if (!network_.value_model) return;
  network_.value_model->share_frozen(model);
  restart_value_network();
}

std::unique_ptr<Policy> Policy::open(const std::filesystem::path& path) {
  const ValueNetwork value = value_network_in(path);
  PolicySource source = open_policy_source(path, AdapterUse::kKeep);
  check_fits(source.model, path);
  auto policy = std::make_unique<Policy>(std::move(source), value, 0);
  if (value != ValueNetwork::kNone)
    copy_into(TensorFile::open(path / kValueFile), policy->named_values(true));
  const auto base_file = path / kBaseFile;
  if (std::filesystem::exists(base_file) &&
      read_file(base_file, 1 << 10) != policy->frozen_digest())
    throw DataError(
        fmt::format("{}: the base model {} is another one, or has changed, since this "
                    "checkpoint was written",
                    path.string(), policy->base_));
  return policy;
}

ModelFiles Policy::model_files() const {
  ModelFiles files = text_.files;
  files.config = to_json(model().options());
  const auto set_id = [&](const char* key, int64_t id) {
    if (id >= 0) files.config[key] = id;
  };
  set_id("bos_token_id", tokenizer().bos_id());
  set_id("pad_token_id", tokenizer().pad_id());
  const auto& ends = tokenizer().end_ids();
  if (ends.size() == 1)
    files.config["eos_token_id"] = ends[0];
  else
    files.config["eos_token_id"] = ends;
  describe_tokenizer(tokenizer(), files);
  return files;
}

LoraAdapter Policy::adapter() const {
  const ModelOptions& options = model().options();
  PG_CHECK(options.lora.enabled(), "a policy without adapters");
  LoraAdapter adapter;
  adapter.rank = options.lora.rank;
  adapter.alpha = options.lora.alpha;
  adapter.use_rslora = options.lora.use_rslora;
  adapter.dropout = options.lora.dropout;
  adapter.fan_in_fan_out = options.is_gpt2();
  adapter.target_modules = options.lora.target_modules.empty() ? adaptable_modules(options)
                                                               : options.lora.target_modules;
  std::sort(adapter.target_modules.begin(), adapter.target_modules.end());
  adapter.base_model = base_;
  const auto values = named_values(false);  // A and B of one module after the other
  for (size_t i = 0; i + 1 < values.size(); i += 2)
    adapter.pairs.push_back(
        {adapted_module(values[i].name), values[i].tensor, values[i + 1].tensor});
  return adapter;
}

std::string Policy::weights_file() const {
  return model().options().lora.enabled() ? kAdapterFile : kWeightsFile;
}

std::string Policy::frozen_digest() const { return digest_of(network_.model->frozen_parameters()); }

std::string Policy::weights_digest() const {
  auto all = network_.model->frozen_parameters();
  for (const auto& parameter : network_.model->parameters()) all.push_back(parameter);
  return digest_of(all);
}

void Policy::write(const std::filesystem::path& folder) const {
  write_model_files(folder, model_files(), at::kFloat);
  if (model().options().lora.enabled())
    write_file_atomic(folder / kAdapterConfig, to_json(adapter()).dump(2) + "\n");
  write_parameters(folder / weights_file());
  if (value_ != ValueNetwork::kNone) write_tensor_file(folder / kValueFile, named_values(true));
}

void Policy::read(const std::filesystem::path& folder) {
  read_parameters(folder / weights_file());
  if (value_ != ValueNetwork::kNone)
    copy_into(TensorFile::open(folder / kValueFile), named_values(true));
}

void Policy::write_parameters(const std::filesystem::path& file) const {
  write_tensor_file(file, named_values(false));
}

void Policy::read_parameters(const std::filesystem::path& file) {
  copy_into(TensorFile::open(file), named_values(false));
}

std::unique_ptr<Policy> Policy::copy() const {
  // Not make_unique: this constructor is private.
  std::unique_ptr<Policy> result(new Policy(text_, base_, model().options(), ValueNetwork::kNone));
  result->network_.model->share_frozen(*network_.model);
  result->mix(*this, 0);
  return result;
}

void Policy::mix(const Policy& other, double keep) {
  for (const auto& entry : parameters_->entries()) {
    at::Tensor value = ParameterBuffer::view(parameters_->values(), entry);
    const at::Tensor source = other.parameters().value(entry.name);
    if (keep == 0)
      value.copy_(source);
    else
      value.mul_(keep).add_(source, 1 - keep);
  }
}

void Policy::restart_value_network() {
  if (!network_.value_model) return;
  for (const auto& parameter : network_.model->parameters())
    parameters_->value(kValueNetwork + parameter.name).copy_(parameters_->value(parameter.name));
}

Policy::Replica Policy::replicate() const {
  Replica replica{Network(model().options(), value_), {}};
  replica.network.model->share_frozen(*network_.model);
  if (replica.network.value_model) replica.network.value_model->share_frozen(*network_.model);
  replica.gradient = parameters_->attach(replica.network.parameters());
  return replica;
}

std::vector<NamedTensor> Policy::named_values(bool of_value) const {
  std::vector<NamedTensor> result;
  for (const auto& entry : parameters_->entries())
    if (of_value == (starts_with(entry.name, kValueNetwork) || starts_with(entry.name, kValueHead)))
      result.push_back({entry.name, ParameterBuffer::view(parameters_->values(), entry)});
  return result;
}

}  // namespace pgtrain
