#include "rl/kl.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace pgtrain {

at::Tensor kl_estimate(const at::Tensor& log_prob, const at::Tensor& ref_log_prob,
                       KlEstimator estimator) {
  PG_CHECK(log_prob.sizes() == ref_log_prob.sizes(), "log_prob and ref_log_prob differ in shape");
  at::Tensor d = log_prob - ref_log_prob.detach();
  switch (estimator) {
    case KlEstimator::kK1:
      return d;
    case KlEstimator::kK2:
      return 0.5 * d.square();
    case KlEstimator::kK3: {
      const at::Tensor bounded = d.clamp(-20, 20);
      return at::expm1(-bounded) + bounded;
    }
  }
  throw InternalError("unknown KL estimator");
}

KlController::KlController(double coef) : coef_(coef) {
  PG_CHECK(coef >= 0, "the KL coefficient is {}", coef);
}

KlController::KlController(double coef, double target, double horizon)
    : coef_(coef), target_(target), horizon_(horizon) {
  PG_CHECK(coef >= 0 && target > 0 && horizon > 0, "coefficient {}, target {}, horizon {}", coef,
           target, horizon);
}

void KlController::update(double kl, int64_t n) {
  if (!adaptive() || !std::isfinite(kl)) return;
  const double error = std::clamp(kl / target_ - 1, -0.2, 0.2);
  coef_ *= 1 + error * std::min(1.0, static_cast<double>(n) / horizon_);
}

bool exceeds_target_kl(double approx_kl, double target) {
  return target > 0 && approx_kl > 1.5 * target;
}

}  // namespace pgtrain
