// The `algorithm:` block of an experiment: from rewards to the gradient.
#pragma once

#include <cstdint>
#include <string>

#include "train/objective.h"

namespace pgtrain {

class Section;

// `algorithm.kl`: how far the policy may go from a reference.
struct KlOptions {
  double coef = 0.0;  // 0 = no reference
  KlEstimator estimator = KlEstimator::kK3;
  std::string placement = "loss";    // loss | reward
  std::string controller = "fixed";  // fixed | adaptive
  double target = 6.0;
  double horizon = 10000.0;
  std::string reference = "start";  // start | ema | a checkpoint folder
  int64_t refresh_every = 0;
  double ema_decay = 0.99;
  double stop_at = 0.0;
};

struct AlgorithmOptions {
  std::string preset = "rloo";
  std::string baseline = "leave_one_out";
  std::string loss = "reinforce";
  Aggregation aggregation = Aggregation::kSequenceMeanTokenSum;
  double constant_baseline = 0.0;
  double ema_decay = 0.9;
  double gamma = 1.0;
  double gae_lambda = 1.0;
  bool whiten_advantages = false;
  double advantage_scale = 1.0;  // 0 = the control run that must not learn
  int64_t epochs = 1;
  int64_t mini_batches = 1;
  double clip_range_low = 0.2;
  double clip_range_high = 0.2;
  double dual_clip = 0.0;
  double max_ratio = 0.0;
  double off_policy_threshold = 0.0;
  double mrt_alpha = 5e-3;
  bool mask_truncated = false;
  int64_t resample_rounds = 0;
  double entropy_coef = 0.0;
  std::string entropy_control = "fixed";  // fixed | adaptive
  double entropy_target = 0.2;
  double value_coef = 0.5;
  double value_clip = 0.0;
  std::string value_network = "shared";  // shared | separate
  double supervised_coef = 0.0;
  KlOptions kl;

  // Some part of the algorithm compares the policy with a reference.
  bool uses_reference() const { return kl.coef != 0; }
};

void describe(Section& section, AlgorithmOptions& options);

struct ExperimentConfig;
class Problems;

// Values that exclude each other, and parts that were given although nothing reads them: an option
// without effect would be one silently ignored.
void check_algorithm(const ExperimentConfig& config, Problems& problems);
// Options that nothing reads get their standard values: a preset may have set them before another
// part of it was overridden.
void reset_unread(AlgorithmOptions& options);

// The objective of the policy-gradient steps. The coefficients of KL and entropy are those of the
// first step; controllers change them.
Objective make_objective(const AlgorithmOptions& options, double temperature,
                         int64_t max_new_tokens);

}  // namespace pgtrain
