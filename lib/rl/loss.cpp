#include "rl/loss.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace pgtrain {

at::Tensor token_weights(const at::Tensor& mask, Aggregation aggregation, double normaliser) {
  PG_CHECK(mask.dim() == 2 && mask.size(0) > 0, "the mask is [batch, time] with at least one row");
  PG_CHECK(normaliser > 0, "normaliser is {}", normaliser);
  const double batch = static_cast<double>(mask.size(0));
  switch (aggregation) {
    case Aggregation::kTokenMean:
      return mask / mask.sum().clamp_min(1);
    case Aggregation::kSequenceMeanTokenMean:
      return mask / mask.sum(1, true).clamp_min(1) / batch;
    case Aggregation::kSequenceMeanTokenSum:
      return mask / batch;
    case Aggregation::kFixedNormaliser:
      return mask / (batch * normaliser);
  }
  throw InternalError("unknown aggregation");
}

at::Tensor reinforce_loss(const at::Tensor& log_prob, const at::Tensor& advantage) {
  PG_CHECK(log_prob.sizes() == advantage.sizes(), "log_prob and advantage differ in shape");
  return -advantage.detach() * log_prob;
}

at::Tensor value_loss(const at::Tensor& values, const at::Tensor& returns) {
  PG_CHECK(values.sizes() == returns.sizes(), "values and returns differ in shape");
  return 0.5 * (values - returns.detach()).square();
}

at::Tensor clipped_value_loss(const at::Tensor& values, const at::Tensor& old_values,
                              const at::Tensor& returns, double clip_range) {
  PG_CHECK(values.sizes() == old_values.sizes(), "values and old_values differ in shape");
  PG_CHECK(clip_range > 0, "clip_range is {}", clip_range);
  const at::Tensor old = old_values.detach();
  const at::Tensor clipped = old + (values - old).clamp(-clip_range, clip_range);
  return at::maximum(value_loss(values, returns), value_loss(clipped, returns));
}

at::Tensor sequence_sum(const at::Tensor& x, const at::Tensor& mask) {
  PG_CHECK(x.dim() == 2 && x.sizes() == mask.sizes(), "expected [batch, time] like the mask");
  return x.masked_fill(mask == 0, 0).sum(1);
}

at::Tensor sequence_mean(const at::Tensor& x, const at::Tensor& mask) {
  return sequence_sum(x, mask) / mask.sum(1).clamp_min(1).to(x.scalar_type());
}

at::Tensor weighted_sum(const at::Tensor& loss, const at::Tensor& weights) {
  PG_CHECK(loss.sizes() == weights.sizes(), "loss and weights differ in shape");
  return (loss.masked_fill(weights == 0, 0) * weights).sum();
}

}  // namespace pgtrain
