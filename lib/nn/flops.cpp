#include "nn/flops.h"

#include <algorithm>
#include <string>

#include "core/error.h"
#include "nn/layer_names.h"

namespace pgtrain {
namespace {

// Sum over the positions t of [0, end) of the tokens that t sees: min(t + 1, window), window 0 =
// all.
double seen_before(int64_t end, int64_t window) {
  const auto n = static_cast<double>(end);
  const auto w = static_cast<double>(window);
  if (window == 0 || end <= window) return n * (n + 1) / 2;
  return w * (w + 1) / 2 + (n - w) * w;
}

// One token through these layers of one block.
ForwardFlops token_flops(const ModelOptions& options, const std::string& prefix,
                         const std::vector<std::string>& layers) {
  ForwardFlops flops;
  for (const std::string& name : layers) {
    const LayerSize size = layer_size(options, name);
    const auto inputs = static_cast<double>(size.inputs);
    const auto outputs = static_cast<double>(size.outputs);
    if (!options.lora.enabled()) {
      flops.trained += 2 * inputs * outputs;
      continue;
    }
    flops.frozen += 2 * inputs * outputs;
    if (is_adapted(prefix + name, options.lora.target_modules))
      flops.trained += 2 * static_cast<double>(options.lora.rank) * (inputs + outputs);
  }
  return flops;
}

ForwardFlops times(ForwardFlops flops, int64_t count) {
  const auto factor = static_cast<double>(count);
  flops.trained *= factor;
  flops.frozen *= factor;
  flops.attention *= factor;
  return flops;
}

ForwardFlops recurrent_flops(const ModelOptions& options) {
  const double gates = options.kind == "lstm" ? 4 : 3;
  const auto hidden = static_cast<double>(options.hidden_size);
  ForwardFlops flops;
  for (int64_t layer = 0; layer < options.num_layers; ++layer) {
    const double inputs = layer == 0 ? static_cast<double>(options.embedding_size) : hidden;
    flops.trained += 2 * gates * hidden * (inputs + hidden);
  }
  return flops;
}

ForwardFlops head_flops(const ModelOptions& options) {
  ForwardFlops flops;
  (options.lora.enabled() ? flops.frozen : flops.trained) =
      2 * static_cast<double>(options.hidden_size) * static_cast<double>(options.vocab_size);
  return flops;
}

}  // namespace

ForwardFlops& ForwardFlops::operator+=(const ForwardFlops& other) {
  trained += other.trained;
  frozen += other.frozen;
  attention += other.attention;
  return *this;
}

ForwardFlops reading_flops(const ModelOptions& options, int64_t begin, int64_t end,
                           int64_t wanted) {
  PG_CHECK(begin >= 0 && begin <= end && wanted >= 0 && wanted <= end - begin,
           "positions {} to {}, {} wanted", begin, end, wanted);
  if (options.is_recurrent()) return times(recurrent_flops(options), end - begin);
  const LayerNames names = layer_names(options);
  const double per_pair =
      4 * static_cast<double>(options.num_heads) * static_cast<double>(options.resolved_head_dim());
  ForwardFlops flops;
  for (int64_t layer = 0; layer < options.num_layers; ++layer) {
    const std::string prefix = block_prefix(options, layer);
    const int64_t rows = layer + 1 == options.num_layers ? wanted : end - begin;
    flops += times(token_flops(options, prefix, names.qkv), end - begin);
    for (const auto* layers : {&names.output, &names.up, &names.down})
      flops += times(token_flops(options, prefix, *layers), rows);
    flops.attention += per_pair * (seen_before(end, options.sliding_window) -
                                   seen_before(end - rows, options.sliding_window));
  }
  return flops;
}

ForwardFlops sequence_flops(const ModelOptions& options, int64_t prompt_length,
                            int64_t completion_length) {
  if (completion_length == 0) return {};
  ForwardFlops flops =
      reading_flops(options, 0, prompt_length + completion_length - 1, completion_length);
  flops += times(head_flops(options), completion_length);
  return flops;
}

ForwardFlops sample_flops(const ModelOptions& options, int64_t prompt_length,
                          int64_t completion_length) {
  if (completion_length == 0) return {};
  ForwardFlops flops = reading_flops(options, prompt_length, prompt_length + completion_length - 1,
                                     completion_length - 1);
  flops += times(head_flops(options), completion_length);
  return flops;
}

double generation_flops(const ModelOptions& options, int64_t prompt_length,
                        const std::vector<int64_t>& completion_lengths) {
  ModelOptions merged = options;
  merged.lora.rank = 0;
  ForwardFlops flops = reading_flops(merged, 0, prompt_length, 1);
  for (const int64_t length : completion_lengths)
    flops += sample_flops(merged, prompt_length, length);
  return flops.total();
}

}  // namespace pgtrain
