// The order in which a run visits its records.
#pragma once

#include <cstdint>
#include <vector>

#include "core/rng.h"

namespace pgtrain {

// Walks a permutation of 0..size-1, a new one for each epoch, that depends on (seed, purpose,
// epoch) only. Each record comes once an epoch; a batch may end one epoch and begin the next.
class PromptCursor {
 public:
  struct State {
    int64_t epoch = 0;
    int64_t position = 0;  // records of this epoch already given, in [0, size)
  };

  // size >= 1. Warm-up and training take different purposes and so have orders of their own.
  PromptCursor(int64_t size, uint64_t seed, Purpose purpose = Purpose::kShuffle);

  // The next count indices (count may be larger than size).
  std::vector<int64_t> next(int64_t count);

  State state() const { return state_; }
  // Continues as the cursor with that state would. Throws DataError when the state does not fit the
  // size.
  void restore(State state);

 private:
  void shuffle();

  int64_t size_;
  Rng rng_;
  State state_;
  std::vector<int64_t> order_;
};

}  // namespace pgtrain
