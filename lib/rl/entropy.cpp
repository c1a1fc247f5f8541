#include "rl/entropy.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace pgtrain {

AdaptiveEntropy::AdaptiveEntropy(double coef, const AdaptiveEntropyOptions& options)
    : options_(options), coef_(coef) {
  PG_CHECK(options.min_coef <= options.max_coef && options.delta >= 0,
           "coefficients from {} to {}, delta {}", options.min_coef, options.max_coef,
           options.delta);
}

void AdaptiveEntropy::update(double entropy) {
  if (!std::isfinite(entropy)) return;
  const double change = entropy <= options_.target ? options_.delta : -options_.delta;
  coef_ = std::clamp(coef_ + change, options_.min_coef, options_.max_coef);
}

}  // namespace pgtrain
