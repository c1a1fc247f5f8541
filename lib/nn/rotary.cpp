#include "nn/rotary.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace pgtrain {
namespace {

constexpr double kPi = 3.14159265358979323846;

int64_t original_positions(const ModelOptions& options) {
  const int64_t given = options.rope_scaling.original_max_positions;
  return given > 0 ? given : options.max_positions;
}

// Llama 3.1: long waves are stretched, short ones kept, with a smooth step in between.
double llama3_frequency(const ModelOptions& options, double frequency) {
  const RopeScaling& scaling = options.rope_scaling;
  const auto positions = static_cast<double>(original_positions(options));
  const double wavelength = 2 * kPi / frequency;
  if (wavelength > positions / scaling.low_freq_factor) return frequency / scaling.factor;
  if (wavelength < positions / scaling.high_freq_factor) return frequency;
  const double smooth = (positions / wavelength - scaling.low_freq_factor) /
                        (scaling.high_freq_factor - scaling.low_freq_factor);
  return (1 - smooth) * frequency / scaling.factor + smooth * frequency;
}

// YaRN (Peng et al. 2023): the index of the frequency that turns `rotations` times within the
// original context.
double yarn_index(const ModelOptions& options, double rotations) {
  const auto size = static_cast<double>(options.resolved_head_dim());
  const auto positions = static_cast<double>(original_positions(options));
  return size * std::log(positions / (rotations * 2 * kPi)) / (2 * std::log(options.rope_theta));
}

// The share of interpolation of frequency i.
double yarn_ramp(const ModelOptions& options, int64_t i) {
  const RopeScaling& scaling = options.rope_scaling;
  double low = yarn_index(options, scaling.beta_fast);
  double high = yarn_index(options, scaling.beta_slow);
  if (scaling.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(options.resolved_head_dim() - 1));
  if (low == high) high += 0.001;
  return std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
}

double yarn_magnitude(double factor, double scale) {
  return factor <= 1 ? 1 : 0.1 * scale * std::log(factor) + 1;
}

double yarn_attention_factor(const RopeScaling& scaling) {
  if (scaling.attention_factor > 0) return scaling.attention_factor;
  if (scaling.mscale != 0 && scaling.mscale_all_dim != 0)
    return yarn_magnitude(scaling.factor, scaling.mscale) /
           yarn_magnitude(scaling.factor, scaling.mscale_all_dim);
  return yarn_magnitude(scaling.factor, 1);
}

double scaled_frequency(const ModelOptions& options, int64_t i, double frequency) {
  const RopeScaling& scaling = options.rope_scaling;
  if (scaling.type == "linear") return frequency / scaling.factor;
  if (scaling.type == "llama3") return llama3_frequency(options, frequency);
  if (scaling.type == "yarn") {
    const double ramp = yarn_ramp(options, i);
    return frequency / scaling.factor * ramp + frequency * (1 - ramp);
  }
  return frequency;
}

}  // namespace

Rotary::Rotary(const ModelOptions& options) {
  const int64_t size = options.resolved_head_dim();
  PG_CHECK(size % 2 == 0, "heads of {} values cannot be rotated", size);
  const std::vector<double>& divisors = options.rope_factors;
  PG_CHECK(divisors.empty() || static_cast<int64_t>(divisors.size()) == size / 2,
           "{} rope factors for heads of {}", divisors.size(), size);
  for (int64_t i = 0; i < size / 2; ++i) {
    const double exponent = static_cast<double>(2 * i) / static_cast<double>(size);
    double frequency = scaled_frequency(options, i, 1.0 / std::pow(options.rope_theta, exponent));
    if (!divisors.empty()) frequency /= divisors[static_cast<size_t>(i)];
    frequencies_.push_back(static_cast<float>(frequency));
  }
  if (options.rope_scaling.type == "yarn")
    attention_factor_ = yarn_attention_factor(options.rope_scaling);
}

at::Tensor Rotary::table(int64_t positions, at::ScalarType dtype) const {
  const auto half = static_cast<int64_t>(frequencies_.size());
  at::Tensor result = at::empty({positions, 2 * half}, at::TensorOptions().dtype(dtype));
  AT_DISPATCH_FLOATING_TYPES(dtype, "rotary_table", [&] {
    scalar_t* out = result.data_ptr<scalar_t>();
    for (int64_t position = 0; position < positions; ++position, out += 2 * half)
      for (int64_t i = 0; i < half; ++i) {
        const auto angle = static_cast<double>(static_cast<float>(position) *
                                               frequencies_[static_cast<size_t>(i)]);
        out[i] = static_cast<scalar_t>(std::cos(angle) * attention_factor_);
        out[half + i] = static_cast<scalar_t>(std::sin(angle) * attention_factor_);
      }
  });
  return result;
}

}  // namespace pgtrain
