// The coefficient of the entropy bonus: loss = ... - coef * entropy.
#pragma once

namespace pgtrain {

struct AdaptiveEntropyOptions {
  double target = 0.2;   // nats a token
  double delta = 0.005;  // change of the coefficient in one step
  double min_coef = 0;
  double max_coef = 1;
};

// Adaptive entropy control (Skywork-OR1, He et al. 2025; TRL use_adaptive_entropy):
// after each step c <- clamp(c + delta if entropy <= target else c - delta, min_coef, max_coef),
// and the bonus acts only while entropy <= target.
class AdaptiveEntropy {
 public:
  AdaptiveEntropy(double coef, const AdaptiveEntropyOptions& options);

  // The coefficient for a batch of that mean token entropy: coef() if entropy <= target, else 0.
  double effective(double entropy) const { return entropy <= options_.target ? coef_ : 0; }
  // After the step. An entropy that is not finite changes nothing.
  void update(double entropy);
  double coef() const { return coef_; }
  // The whole state is coef().
  void restore(double coef) { coef_ = coef; }

 private:
  AdaptiveEntropyOptions options_;
  double coef_;
};

}  // namespace pgtrain
