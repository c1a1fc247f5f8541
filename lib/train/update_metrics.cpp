#include "train/update_metrics.h"

namespace pgtrain {

void add_update_metrics(Row& row, const AlgorithmOptions& options, const UpdateBatch& batch,
                        const UpdateSummary& summary) {
  const UpdateResult& mean = summary.mean;
  row.set("completions/count", batch.size());
  row.set("loss", mean.total);
  row.set("policy_loss", mean.policy_loss);
  if (batch.returns.defined()) row.set("value_loss", mean.value_loss);
  if (options.supervised_coef > 0)
    row.set("supervised_loss", summary.supervised_loss / options.supervised_coef);
  row.set("entropy", mean.entropy);
  row.set("grad_norm", mean.grad_norm);
  if (options.epochs * options.mini_batches > 1) {
    row.set("updates", summary.updates);
    row.set("approx_kl", mean.ratio.approx_kl());
    row.set("ratio/max", mean.ratio.max_ratio);
    if (options.loss != "reinforce") {
      row.set("clip_ratio/low_mean", mean.clip.clip_fraction_low());
      row.set("clip_ratio/high_mean", mean.clip.clip_fraction_high());
      row.set("clip_ratio/region_mean", mean.clip.clip_fraction());
    }
  }
  if (summary.noise) {
    row.set("gradient_noise/signal", summary.noise->signal);
    row.set("gradient_noise/noise", summary.noise->noise);
  }
}

}  // namespace pgtrain
