// What a policy network looks like: the `model:` block of an experiment and the config.json of a
// checkpoint.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace pgtrain {

class Section;

struct ModelOptions {
  std::string kind = "gru";      // gru | lstm
  int64_t vocab_size = 0;        // 0 = the tokenizer's; larger leaves rows that no text uses
  int64_t embedding_size = 128;  // values
  int64_t hidden_size = 256;     // values
  int64_t num_layers = 1;
};

void describe(Section& section, ModelOptions& options);

// Parameters of the network (embedding, recurrent layers, head), computed without building it.
int64_t parameter_count(const ModelOptions& options);

// The content of config.json. from_json throws DataError naming `source` and the key.
nlohmann::json to_json(const ModelOptions& options);
ModelOptions model_options_from_json(const nlohmann::json& json, const std::string& source);

}  // namespace pgtrain
