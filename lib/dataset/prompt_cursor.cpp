#include "dataset/prompt_cursor.h"

#include <algorithm>

#include "core/error.h"

namespace pgtrain {

PromptCursor::PromptCursor(int64_t size, uint64_t seed, Purpose purpose)
    : size_(size), rng_(seed, purpose) {
  PG_CHECK(size >= 1, "size is {}", size);
  shuffle();
}

void PromptCursor::shuffle() {
  order_ = rng_.permutation(size_, static_cast<uint64_t>(state_.epoch));
}

std::vector<int64_t> PromptCursor::next(int64_t count) {
  PG_CHECK(count >= 0, "count is {}", count);
  std::vector<int64_t> indices;
  indices.reserve(static_cast<size_t>(count));
  while (count > 0) {
    const int64_t taken = std::min(count, size_ - state_.position);
    const auto begin = order_.begin() + state_.position;
    indices.insert(indices.end(), begin, begin + taken);
    count -= taken;
    state_.position += taken;
    if (state_.position == size_) {
      state_ = {state_.epoch + 1, 0};
      shuffle();
    }
  }
  return indices;
}

void PromptCursor::restore(State state) {
  if (state.epoch < 0 || state.position < 0 || state.position >= size_)
    throw DataError(
        fmt::format("cursor: epoch {}, position {} does not fit a data set of {} records",
                    state.epoch, state.position, size_));
  state_ = state;
  shuffle();
}

}  // namespace pgtrain
