// Cross-entropy on the records' first targets: the warm-up, and the mix-in of policy-gradient
// steps.
#pragma once

#include <vector>

#include "dataset/dataset.h"
#include "train/policy_source.h"
#include "train/update_plan.h"

namespace pgtrain {

// Prompt, first target and end token of each record.
std::vector<Sequence> target_sequences(const PolicyText& text, const Dataset& data,
                                       const std::vector<int64_t>& records);

// coef times the mean cross-entropy of the completion tokens: the policy-gradient loss with every
// advantage `coef`. The sequences must outlive it.
ExtraBatch cross_entropy(const std::vector<Sequence>& sequences, double coef);

}  // namespace pgtrain
