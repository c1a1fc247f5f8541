// The incremental state of a transformer: a paged key/value cache and one buffer for each product.
#pragma once

#include <memory>

#include "nn/language_model.h"
#include "nn/rotary.h"
#include "nn/transformer_weights.h"

namespace pgtrain {

// Adapters are added to the weights in start(), which also sees the weights of the moment; they
// must not change between start() and the last step(). The arguments must outlive the state.
std::unique_ptr<DecodeState> make_transformer_decode_state(const TransformerWeights& weights,
                                                           const ModelOptions& options,
                                                           const Rotary* rotary);

}  // namespace pgtrain
