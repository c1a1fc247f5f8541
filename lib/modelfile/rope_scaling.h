// The rotary embedding's settings in a Hugging Face config, and Llama 3's frequency factors.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace pgtrain {

// Of config.json as transformers before 5 writes it (rope_theta, rope_scaling) and as 5 does
// (rope_parameters with both).
struct RopeConfig {
  double theta = 10000;
  std::string type = "default";  // "default", "linear", "llama3", "yarn", ...
  nlohmann::json scaling;        // the object with the type's parameters; null for "default"
};

// Throws DataError that begins with `file`.
RopeConfig read_rope_config(const nlohmann::json& config, const std::string& file);

// By how much Llama 3's scaling divides each of the head_dim/2 rotary frequencies
// theta^(-2i/head_dim); this is what GGUF holds as rope_freqs.weight. With the wavelength w = 2 pi
// / frequency: 1 where w < original/high; `factor` where w > original/low; between them
// 1 / ((1 - s) / factor + s) with s = (original/w - low) / (high - low).
struct Llama3Scaling {
  double factor = 8;
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  double original_max_position_embeddings = 8192;
};
std::vector<float> llama3_rope_factors(double theta, int64_t head_dim, const Llama3Scaling& scaling);

}  // namespace pgtrain
