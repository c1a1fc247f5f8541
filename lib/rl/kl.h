// The Kullback-Leibler divergence from a frozen reference: estimators, and who sets the
// coefficient.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace pgtrain {

// Estimators of KL(policy || reference) from samples of the policy (Schulman 2020, "Approximating
// KL divergence"), with d = log pi - log ref for each token:
//   k1 = d                    unbiased, any sign, high variance
//   k2 = d^2 / 2              biased value, >= 0
//   k3 = exp(-d) + d - 1      unbiased, >= 0
// The sign of d matters: exp(d) - 1 - d (trlX's metric) estimates another divergence.
enum class KlEstimator { kK1, kK2, kK3 };

// For each token, any one shape; differentiable in log_prob, ref_log_prob detached; d is clamped to
// +-20 for k3 only, as verl does; verl and OpenRLHF also clamp the result to +-10, TRL clamps
// nothing.
// In the reward (placement: reward): use the log-probabilities of sampling time, -kl_coef times
// this is added to each token's reward (kl_penalised_rewards of rl/returns.h), or -kl_coef times
// sequence_sum to the completion's. k1 there has the exact gradient of -KL.
// In the loss (placement: loss): + kl_coef times this, with the weights of the aggregation. There
// only k2 has the gradient of KL(policy || reference) on average; k1's is 0 on average and k3's is
// the gradient of the opposite direction (Tang and Munos 2025). GRPO uses k3 in the loss. After
// the first update of a rollout multiply by the ratio pi / pi_old for an unbiased value (TRL
// use_bias_correction_kl).
at::Tensor kl_estimate(const at::Tensor& log_prob, const at::Tensor& ref_log_prob,
                       KlEstimator estimator);

// The coefficient of the KL penalty: fixed, or steered towards a target KL (Ziegler et al. 2019,
// section 2.2; the same in TRL's former controller, verl and OpenRLHF):
//   error = clamp(kl / target - 1, -0.2, 0.2),   coef <- coef (1 + error min(1, n / horizon)).
// The bound of 1 is ours: beyond it the coefficient could change its sign.
class KlController {
 public:
  // Fixed.
  explicit KlController(double coef);
  // Adaptive: target > 0 and horizon > 0.
  KlController(double coef, double target, double horizon);

  double coef() const { return coef_; }
  bool adaptive() const { return target_ > 0; }
  // kl: mean over the step's completions of the sequence sum (TRL, target 6 nats) or of the token
  // mean (verl, target 0.1), as long as the target is of the same kind. n: completions of the step.
  // A kl that is not finite changes nothing.
  void update(double kl, int64_t n);
  // The whole state is coef(); a resumed run continues from it.
  void restore(double coef) { coef_ = coef; }

 private:
  double coef_;
  double target_ = 0;
  double horizon_ = 1;
};

// Stop the remaining updates of a rollout: approx_kl > 1.5 target (Stable-Baselines3; OpenAI
// Spinning Up). approx_kl as RatioStatistics::approx_kl of rl/diagnostics.h. target <= 0: never.
bool exceeds_target_kl(double approx_kl, double target);

}  // namespace pgtrain
