#include "nn/model_options.h"

#include "config/section.h"
#include "core/error.h"

namespace pgtrain {
namespace {

constexpr int64_t kMaxSize = 1 << 20;
constexpr int64_t kMaxLayers = 256;
constexpr const char* kTypePrefix = "pgtrain_";

int64_t gates(const ModelOptions& options) { return options.kind == "lstm" ? 4 : 3; }

}  // namespace

void describe(Section& section, ModelOptions& options) {
  section.choice("kind", options.kind, {"gru", "lstm"},
                 "the network: a recurrent language model with a linear head");
  section.field("vocab_size", options.vocab_size,
                "rows of the embedding and of the head; 0 = as many as the tokenizer has tokens",
                between(0, kMaxSize * 16));
  section.field("embedding_size", options.embedding_size, "values of a token's embedding",
                between(1, kMaxSize));
  section.field("hidden_size", options.hidden_size, "values of a recurrent layer's state",
                between(1, kMaxSize));
  section.field("num_layers", options.num_layers, "recurrent layers", between(1, kMaxLayers));
}

int64_t parameter_count(const ModelOptions& options) {
  int64_t count = options.vocab_size * options.embedding_size;
  for (int64_t layer = 0; layer < options.num_layers; ++layer) {
    const int64_t inputs = layer == 0 ? options.embedding_size : options.hidden_size;
    count += gates(options) * options.hidden_size * (inputs + options.hidden_size + 2);
  }
  return count + options.vocab_size * (options.hidden_size + 1);
}

nlohmann::json to_json(const ModelOptions& options) {
  return {{"model_type", kTypePrefix + options.kind},
          {"vocab_size", options.vocab_size},
          {"embedding_size", options.embedding_size},
          {"hidden_size", options.hidden_size},
          {"num_layers", options.num_layers}};
}

ModelOptions model_options_from_json(const nlohmann::json& json, const std::string& source) {
  if (!json.is_object()) throw DataError(fmt::format("{}: expected a JSON object", source));
  const auto integer = [&](const char* key, int64_t limit) {
    const auto found = json.find(key);
    if (found == json.end() || !found->is_number_integer())
      throw DataError(fmt::format("{}: '{}' is missing or not a whole number", source, key));
    const auto value = found->get<int64_t>();
    if (value < 1 || value > limit)
      throw DataError(
          fmt::format("{}: '{}' is {}, allowed are 1 to {}", source, key, value, limit));
    return value;
  };
  ModelOptions options;
  const auto type = json.find("model_type");
  if (type == json.end() || !type->is_string())
    throw DataError(fmt::format("{}: 'model_type' is missing or not a text", source));
  const auto name = type->get<std::string>();
  if (name != "pgtrain_gru" && name != "pgtrain_lstm")
    throw DataError(
        fmt::format("{}: model_type '{}' is not known here; known are pgtrain_gru and pgtrain_lstm",
                    source, name));
  options.kind = name.substr(std::string(kTypePrefix).size());
  options.vocab_size = integer("vocab_size", kMaxSize * 16);
  options.embedding_size = integer("embedding_size", kMaxSize);
  options.hidden_size = integer("hidden_size", kMaxSize);
  options.num_layers = integer("num_layers", kMaxLayers);
  return options;
}

}  // namespace pgtrain
