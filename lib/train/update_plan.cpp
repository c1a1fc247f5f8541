#include "train/update_plan.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "core/error.h"

namespace pgtrain {
namespace {

double largest_gap(const UpdateBatch& batch, const at::Tensor& log_probs) {
  return ((log_probs - batch.old_log_probs).abs() * completion_mask(batch.sequences))
      .max()
      .item<double>();
}

// Sums while updates come, means at the end.
void add(UpdateResult& sum, const UpdateResult& result) {
  sum += result;
  sum.grad_norm += result.grad_norm;
}

// tried updates, of which `made` got as far as the norm of the gradient.
void divide(UpdateResult& sum, int64_t tried, int64_t made) {
  for (double* value : {&sum.total, &sum.policy_loss, &sum.value_loss, &sum.entropy})
    *value /= static_cast<double>(tried);
  sum.grad_norm /= static_cast<double>(std::max<int64_t>(1, made));
}

}  // namespace

std::vector<std::vector<int64_t>> split_rows(int64_t count, int64_t parts, const Rng& rng,
                                             uint64_t stream) {
  PG_CHECK(parts >= 1 && parts <= count, "{} rows in {} parts", count, parts);
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  if (parts > 1) order = rng.permutation(count, stream);
  std::vector<std::vector<int64_t>> result;
  for (int64_t part = 0; part < parts; ++part)
    result.emplace_back(order.begin() + part * count / parts,
                        order.begin() + (part + 1) * count / parts);
  return result;
}

UpdateSummary run_updates(Learner& learner, const UpdateBatch& batch, const Objective& objective,
                          const UpdatePlan& plan, const Rng& rng, uint64_t step,
                          double learning_rate, const ExtraBatch* extra) {
  UpdateSummary summary;
  int64_t tried = 0;
  const auto update = [&](const std::vector<int64_t>& rows) {
    UpdateBatch part = batch.rows(rows);
    if (tried == 0) part.old_log_probs.reset();
    learner.clear();
    UpdateResult result = learner.accumulate(part, objective, plan.measure_noise && tried == 0);
    if (tried == 0) {
      summary.log_prob_gap = largest_gap(batch.rows(rows), result.log_probs);
      summary.noise = result.noise;
    }
    ++tried;
    if (extra != nullptr) {
      const UpdateResult supervised = learner.accumulate(extra->batch, extra->objective);
      summary.supervised_loss += supervised.policy_loss;
      result.finite = supervised.is_finite();
    }
    summary.stopped_early = exceeds_target_kl(result.ratio.approx_kl(), plan.stop_at_kl);
    if (!summary.stopped_early) learner.apply(result, learning_rate);
    summary.finite = result.finite;
    add(summary.mean, result);
    if (!summary.stopped_early && result.finite) ++summary.updates;
  };
  for (int64_t epoch = 0; epoch < plan.epochs; ++epoch)
    for (const auto& rows :
         split_rows(batch.size(), plan.mini_batches, rng,
                    step * static_cast<uint64_t>(plan.epochs) + static_cast<uint64_t>(epoch)))
      if (!summary.stopped_early && summary.finite) update(rows);
  divide(summary.mean, tried, summary.stopped_early ? tried - 1 : tried);
  summary.supervised_loss /= static_cast<double>(tried);
  return summary;
}

}  // namespace pgtrain
