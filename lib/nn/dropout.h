// Which elements a forward pass drops: a function of the step, the sequence and the position, never
// of the batch.
#pragma once

#include <cstdint>
#include <vector>

#include "core/rng.h"

namespace pgtrain {

// Given to LanguageModel::hidden by whoever trains adapters with dropout. A default key drops
// nothing.
struct DropoutKey {
  const Rng* rng = nullptr;         // Purpose::kDropout; must live until the backward pass is done
  uint64_t step = 0;                // passes of different steps have unrelated masks
  std::vector<uint32_t> sequences;  // the number of each sequence of the batch within the step
};

}  // namespace pgtrain
