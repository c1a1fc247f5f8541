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

at::Tensor weighted_sum(const at::Tensor& loss, const at::Tensor& weights) {
  PG_CHECK(loss.sizes() == weights.sizes(), "loss and weights differ in shape");
  return (loss.masked_fill(weights == 0, 0) * weights).sum();
}

}  // namespace pgtrain
