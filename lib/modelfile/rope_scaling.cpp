#include "modelfile/rope_scaling.h"

#include <cmath>

#include "core/error.h"
#include "modelfile/json_file.h"

namespace pgtrain {
namespace {

using Json = nlohmann::json;

constexpr double kTwoPi = 6.283185307179586;

const Json* object_at(const Json& config, const char* key, const std::string& file) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return nullptr;
  if (!found->is_object())
    throw DataError(fmt::format("{}: \"{}\" must be an object or null", file, key));
  return &*found;
}

}  // namespace

RopeConfig read_rope_config(const Json& config, const std::string& file) {
  RopeConfig rope;
  rope.theta = json_number(config, "rope_theta", file, rope.theta);
  const Json* scaling = object_at(config, "rope_scaling", file);
  if (const Json* parameters = object_at(config, "rope_parameters", file)) {
    rope.theta = json_number(*parameters, "rope_theta", file, rope.theta);
    if (scaling == nullptr) scaling = parameters;
  }
  if (!(rope.theta > 0)) throw DataError(fmt::format("{}: \"rope_theta\" must be positive", file));
  if (scaling == nullptr) return rope;
  rope.type = json_string(*scaling, "rope_type", file,
                          json_string(*scaling, "type", file, rope.type));
  if (rope.type != "default") rope.scaling = *scaling;
  return rope;
}

std::vector<float> llama3_rope_factors(double theta, int64_t head_dim,
                                       const Llama3Scaling& scaling) {
  const double longest = scaling.original_max_position_embeddings / scaling.low_freq_factor;
  const double shortest = scaling.original_max_position_embeddings / scaling.high_freq_factor;
  std::vector<float> factors;
  for (int64_t i = 0; i < head_dim; i += 2) {
    const double wavelength =
        kTwoPi * std::pow(theta, static_cast<double>(i) / static_cast<double>(head_dim));
    double factor = 1;
    if (wavelength > longest) {
      factor = scaling.factor;
    } else if (wavelength >= shortest) {
      const double smooth = (scaling.original_max_position_embeddings / wavelength -
                             scaling.low_freq_factor) /
                            (scaling.high_freq_factor - scaling.low_freq_factor);
      factor = 1 / ((1 - smooth) / scaling.factor + smooth);
    }
    factors.push_back(static_cast<float>(factor));
  }
  return factors;
}

}  // namespace pgtrain
