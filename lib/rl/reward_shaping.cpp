#include "rl/reward_shaping.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace pgtrain {

at::Tensor soft_overlong_penalty(const at::Tensor& lengths, double max_length, double buffer,
                                 double factor) {
  PG_CHECK(buffer >= 0 && buffer <= max_length, "buffer {} of max_length {}", buffer, max_length);
  const at::Tensor length = lengths.detach().to(at::kDouble);
  if (buffer == 0) return -factor * (length > max_length).to(at::kDouble);
  return -factor * ((length - (max_length - buffer)) / buffer).clamp(0, 1);
}

}  // namespace pgtrain
