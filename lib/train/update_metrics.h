// The numbers of an update in a row of metrics.jsonl; README.md has their healthy ranges.
#pragma once

#include "metrics/row.h"
#include "train/algorithm_options.h"
#include "train/update_plan.h"

namespace pgtrain {

// Adds completions/count, loss, policy_loss, value_loss, supervised_loss, entropy, grad_norm,
// updates, approx_kl, clip_ratio/low_mean, high_mean, region_mean, ratio/max, gradient_noise/signal
// and noise; those of parts that the options use.
void add_update_metrics(Row& row, const AlgorithmOptions& options, const UpdateBatch& batch,
                        const UpdateSummary& summary);

}  // namespace pgtrain
