// The incremental state of a transformer: a paged key/value cache and one buffer for each product.
#pragma once

#include <cstdint>
#include <memory>

#include "nn/language_model.h"
#include "nn/rotary.h"
#include "nn/transformer_weights.h"

namespace pgtrain {

// Networks with at most this many values in their blocks get a copy of the weights with the
// adapters added; larger ones run the adapters beside the weights, which takes no memory and up to
// a twenty-fifth of a step.
constexpr int64_t kMaxMergedValues = int64_t{1} << 24;

// The state sees the weights as they are at start(); they must not change before the last step().
// The first three arguments must outlive the state.
std::unique_ptr<DecodeState> make_transformer_decode_state(
    const TransformerWeights& weights, const ModelOptions& options, const Rotary* rotary,
    int64_t max_merged_values = kMaxMergedValues);

}  // namespace pgtrain
