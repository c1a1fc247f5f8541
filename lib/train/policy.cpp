#include "train/policy.h"

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"

namespace pgtrain {
namespace {

constexpr uint64_t kMaxJsonBytes = uint64_t{512} << 20;

nlohmann::json read_json(const std::filesystem::path& path) {
  try {
    return nlohmann::json::parse(read_file(path, kMaxJsonBytes));
  } catch (const nlohmann::json::exception& e) {
    throw DataError(fmt::format("{}: not valid JSON: {}", path.string(), e.what()));
  }
}

std::vector<LanguageModel::Parameter> parameters_of(LanguageModel& model, ValueHead* value_head) {
  auto parameters = model.parameters();
  if (value_head != nullptr)
    for (const auto& parameter : value_head->parameters()) parameters.push_back(parameter);
  return parameters;
}

void write_json(const std::filesystem::path& path, const nlohmann::json& json) {
  const std::string text = json.dump(2) + "\n";
  OutputFile file(path);
  file.write(text.data(), text.size());
  file.close();
}

}  // namespace

Policy::Policy(std::unique_ptr<Tokenizer> tokenizer, const ModelOptions& options,
               bool with_value_head, uint64_t seed)
    : tokenizer_(std::move(tokenizer)), model_(make_language_model(options)) {
  PG_CHECK(options.vocab_size >= tokenizer_->vocab_size(), "{} rows for {} tokens",
           options.vocab_size, tokenizer_->vocab_size());
  model_->initialise(seed);
  if (with_value_head) value_head_ = std::make_unique<ValueHead>(options.hidden_size);
  parameters_ = std::make_unique<ParameterBuffer>(parameters_of(*model_, value_head_.get()));
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
  const TensorFile tensors = TensorFile::open(folder / "model.safetensors");
  int64_t stored = 0;
  for (const std::string& name : tensors.names()) {
    if (name.rfind("value_head.", 0) == 0) continue;
    int64_t count = 1;
    for (const int64_t size : tensors.shape(name)) count *= size;
    stored += count;
  }
  if (stored != parameter_count(options))
    throw DataError(fmt::format("{}: holds {} parameters, a model as in {} has {}",
                                tensors.path().string(), stored, config_file.string(),
                                parameter_count(options)));
  auto policy =
      std::make_unique<Policy>(std::move(tokenizer), options, tensors.has("value_head.weight"), 0);
  copy_into(tensors, policy->named_values());
  return policy;
}

void Policy::write(const std::filesystem::path& folder) const {
  nlohmann::json config = to_json(model_->options());
  config["bos_token_id"] = Tokenizer::bos_id();
  config["eos_token_id"] = Tokenizer::eos_id();
  config["pad_token_id"] = Tokenizer::pad_id();
  write_json(folder / "config.json", config);
  write_json(folder / "tokenizer.json", tokenizer_->to_json());
  write_tensor_file(folder / "model.safetensors", named_values());
}

void Policy::read_parameters(const std::filesystem::path& file) {
  copy_into(TensorFile::open(file), named_values());
}

Policy::Replica Policy::replicate() const {
  Replica replica;
  replica.model = make_language_model(model_->options());
  if (value_head_) replica.value_head = std::make_unique<ValueHead>(model_->options().hidden_size);
  replica.gradient = parameters_->attach(parameters_of(*replica.model, replica.value_head.get()));
  return replica;
}

std::vector<NamedTensor> Policy::named_values() const {
  std::vector<NamedTensor> result;
  for (const auto& entry : parameters_->entries())
    result.push_back({entry.name, ParameterBuffer::view(parameters_->values(), entry)});
  return result;
}

}  // namespace pgtrain
