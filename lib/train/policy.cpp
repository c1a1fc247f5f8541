#include "train/policy.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"

namespace pgtrain {
namespace {

constexpr uint64_t kMaxJsonBytes = uint64_t{512} << 20;
constexpr const char* kWeightsFile = "model.safetensors";
constexpr const char* kValueFile = "value.safetensors";
const std::string kValueNetwork = "value_network.";
const std::string kValueHead = "value_head.";

bool starts_with(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

int64_t element_count(const TensorFile& file) {
  int64_t total = 0;
  for (const std::string& name : file.names()) {
    int64_t count = 1;
    for (const int64_t size : file.shape(name)) count *= size;
    total += count;
  }
  return total;
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

nlohmann::json read_json(const std::filesystem::path& path) {
  try {
    return nlohmann::json::parse(read_file(path, kMaxJsonBytes));
  } catch (const nlohmann::json::exception& e) {
    throw DataError(fmt::format("{}: not valid JSON: {}", path.string(), e.what()));
  }
}

void write_json(const std::filesystem::path& path, const nlohmann::json& json) {
  const std::string text = json.dump(2) + "\n";
  OutputFile file(path);
  file.write(text.data(), text.size());
  file.close();
}

}  // namespace

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

Policy::Policy(std::shared_ptr<const Tokenizer> tokenizer, const ModelOptions& options,
               ValueNetwork value, uint64_t seed)
    : value_(value), tokenizer_(std::move(tokenizer)), network_(options, value) {
  PG_CHECK(options.vocab_size >= tokenizer_->vocab_size(), "{} rows for {} tokens",
           options.vocab_size, tokenizer_->vocab_size());
  network_.model->initialise(seed);
  if (network_.value_model) network_.value_model->initialise(seed);
  parameters_ = std::make_unique<ParameterBuffer>(network_.parameters());
}

std::unique_ptr<Policy> Policy::open(const std::filesystem::path& folder) {
  const auto config_file = folder / "config.json";
  const auto tokenizer_file = folder / "tokenizer.json";
  const ModelOptions options =
      model_options_from_json(read_json(config_file), config_file.string());
  auto tokenizer = tokenizer_from_json(read_json(tokenizer_file), tokenizer_file.string());
  if (options.vocab_size < tokenizer->vocab_size())
    throw DataError(fmt::format("{}: vocab_size is {}, but {} has {} tokens", config_file.string(),
                                options.vocab_size, tokenizer_file.string(),
                                tokenizer->vocab_size()));
  // The sizes in config.json are only believed once the tensor file, whose size is known, agrees:
  // nothing large is allocated for a config that lies.
  const TensorFile tensors = TensorFile::open(folder / kWeightsFile);
  const int64_t stored = element_count(tensors);
  if (stored != parameter_count(options))
    throw DataError(fmt::format("{}: holds {} parameters, a model as in {} has {}",
                                tensors.path().string(), stored, config_file.string(),
                                parameter_count(options)));
  auto policy =
      std::make_unique<Policy>(std::move(tokenizer), options, value_network_in(folder), 0);
  policy->read(folder);
  return policy;
}

void Policy::write(const std::filesystem::path& folder) const {
  nlohmann::json config = to_json(model().options());
  config["bos_token_id"] = tokenizer_->bos_id();
  config["eos_token_id"] = tokenizer_->eos_id();
  config["pad_token_id"] = tokenizer_->pad_id();
  write_json(folder / "config.json", config);
  write_json(folder / "tokenizer.json", tokenizer_->to_json());
  write_parameters(folder / kWeightsFile);
  if (value_ != ValueNetwork::kNone) write_tensor_file(folder / kValueFile, named_values(true));
}

void Policy::read(const std::filesystem::path& folder) {
  read_parameters(folder / kWeightsFile);
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
  auto result = std::make_unique<Policy>(tokenizer_, model().options(), ValueNetwork::kNone, 0);
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
