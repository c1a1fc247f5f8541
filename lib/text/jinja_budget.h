// What one rendering may use. A chat template comes with a model from anywhere, so that a loop or a
// doubled text must end with an error instead of an afternoon or all memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "text/jinja_value.h"

namespace pgtrain::jinja {

class Budget {
 public:
  static constexpr int64_t kSteps = 20'000'000;  // nodes evaluated and items or 16 bytes handled
  static constexpr int64_t kBytes = int64_t{256} << 20;  // of all texts and lists ever made

  // Both throw Fault when nothing is left.
  void step(size_t count = 1) {
    steps_ -= static_cast<int64_t>(count);
    if (steps_ < 0) throw Fault("the template takes too many steps");
  }
  // Also pays the steps of writing so many bytes.
  void allocate(size_t bytes) {
    bytes_ -= static_cast<int64_t>(bytes);
    if (bytes_ < 0) throw Fault("the template takes too much memory");
    step(1 + bytes / 16);
  }

 private:
  int64_t steps_ = kSteps;
  int64_t bytes_ = kBytes;
};

}  // namespace pgtrain::jinja
