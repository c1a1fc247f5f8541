// The rows of packed texts in the order in which recurrent layers read them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "nn/row_groups.h"

namespace pgtrain {

// First the rows at position 0, then those at position 1, ..., the texts that last longest first:
// what recurrent_layer takes.
struct TimeMajor {
  std::vector<int64_t> rows;        // rows of the groups
  std::vector<int64_t> sizes;       // how many of them each step has
  std::vector<at::Tensor> parents;  // a step each, undefined but where a beginning ends

  // The inverse of rows: where each row of the groups comes.
  std::vector<int64_t> places() const;
};

TimeMajor time_major(const std::vector<RowGroup>& groups);

}  // namespace pgtrain
