#include "rl/ratio_loss.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "rl/loss.h"

namespace pgtrain {
namespace {

void check_options(const RatioOptions& options) {
  PG_CHECK(options.clip_range_low >= 0 && options.clip_range_high >= 0, "clip range {} and {}",
           options.clip_range_low, options.clip_range_high);
  PG_CHECK(options.dual_clip == 0 || options.dual_clip > 1, "dual_clip is {}", options.dual_clip);
  PG_CHECK(options.max_ratio >= 0, "max_ratio is {}", options.max_ratio);
}

}  // namespace

at::Tensor log_ratio(const at::Tensor& log_prob, const at::Tensor& old_log_prob, double limit) {
  PG_CHECK(log_prob.sizes() == old_log_prob.sizes(), "log_prob and old_log_prob differ in shape");
  PG_CHECK(limit > 0, "log_ratio_limit is {}", limit);
  return (log_prob - old_log_prob.detach()).clamp(-limit, limit);
}

at::Tensor clipped_ratio_loss(const at::Tensor& log_ratio, const at::Tensor& advantage,
                              const RatioOptions& options) {
  check_options(options);
  const at::Tensor a = advantage.detach();
  const at::Tensor ratio = log_ratio.exp();
  const at::Tensor bounded = options.max_ratio > 0 ? ratio.clamp_max(options.max_ratio) : ratio;
  const at::Tensor clipped = ratio.clamp(1 - options.clip_range_low, 1 + options.clip_range_high);
  at::Tensor loss = at::maximum(-a * bounded, -a * clipped);
  if (options.dual_clip == 0) return loss;
  return at::where(a < 0, at::minimum(loss, -a * options.dual_clip), loss);
}

at::Tensor ppo_loss(const at::Tensor& log_prob, const at::Tensor& old_log_prob,
                    const at::Tensor& advantage, const RatioOptions& options) {
  PG_CHECK(log_prob.sizes() == advantage.sizes(), "log_prob and advantage differ in shape");
  return clipped_ratio_loss(log_ratio(log_prob, old_log_prob, options.log_ratio_limit), advantage,
                            options);
}

at::Tensor sequence_log_ratio(const at::Tensor& log_prob, const at::Tensor& old_log_prob,
                              const at::Tensor& mask, double limit) {
  return sequence_mean(log_prob - old_log_prob.detach(), mask).clamp(-limit, limit).unsqueeze(1);
}

at::Tensor gspo_loss(const at::Tensor& log_prob, const at::Tensor& old_log_prob,
                     const at::Tensor& advantage, const at::Tensor& mask,
                     const RatioOptions& options, GspoGradient gradient) {
  PG_CHECK(log_prob.sizes() == advantage.sizes(), "log_prob and advantage differ in shape");
  const at::Tensor sequence =
      sequence_log_ratio(log_prob, old_log_prob, mask, options.log_ratio_limit);
  const at::Tensor token = gradient == GspoGradient::kSequence
                               ? sequence.expand(mask.sizes())
                               : log_prob - log_prob.detach() + sequence.detach();
  return clipped_ratio_loss(token, advantage, options);
}

at::Tensor cispo_loss(const at::Tensor& log_prob, const at::Tensor& old_log_prob,
                      const at::Tensor& advantage, double max_ratio, double log_ratio_limit) {
  PG_CHECK(max_ratio > 0, "max_ratio is {}", max_ratio);
  const at::Tensor ratio = log_ratio(log_prob.detach(), old_log_prob, log_ratio_limit).exp();
  return reinforce_loss(log_prob, ratio.clamp_max(max_ratio) * advantage);
}

at::Tensor sequence_ratio_loss(const at::Tensor& log_prob, const at::Tensor& old_log_prob,
                               const at::Tensor& advantage, const at::Tensor& mask,
                               const RatioOptions& options) {
  PG_CHECK(advantage.dim() == 1 && advantage.size(0) == mask.size(0), "one advantage a row");
  const double limit = options.log_ratio_limit;
  const at::Tensor ratio =
      sequence_sum(log_prob - old_log_prob.detach(), mask).clamp(-limit, limit);
  return clipped_ratio_loss(ratio, advantage, options);
}

at::Tensor off_policy_mask(const at::Tensor& log_prob, const at::Tensor& old_log_prob,
                           const at::Tensor& advantage, const at::Tensor& mask, double threshold) {
  PG_CHECK(advantage.dim() == 1 && advantage.size(0) == mask.size(0), "one advantage a row");
  const at::Tensor kl = sequence_mean(old_log_prob.detach() - log_prob.detach(), mask);
  return at::logical_or(advantage.detach() >= 0, kl <= threshold).to(log_prob.scalar_type());
}

}  // namespace pgtrain
