#include "train/diagnostics.h"

#include <functional>

#include "core/error.h"

namespace pgtrain {
namespace {

constexpr int64_t kSilence = 100;  // steps
constexpr int64_t kSettling = 20;  // steps in which nothing is judged that has to be learned first
constexpr int64_t kNoiseSamples = 5;  // measurements before their mean says something

// A number of the row that should stay within a range.
struct Check {
  const char* name;
  bool (*is_bad)(double);
  bool after_settling;
  const char* advice;
};

const std::vector<Check>& checks() {
  static const std::vector<Check> table = {
      {"frac_reward_zero_std", [](double x) { return x > 0.8; }, false,
       "of the groups have equal rewards for all their samples and teach nothing; raise "
       "rollout.samples_per_prompt or rollout.temperature, use a reward with more shades, or "
       "algorithm.resample_rounds"},
      {"clip_ratio/region_mean", [](double x) { return x > 0.5; }, false,
       "of the tokens are clipped: the updates of one rollout go too far; lower "
       "optimizer.learning_rate or algorithm.epochs, or set algorithm.kl.stop_at"},
      {"approx_kl", [](double x) { return x > 0.1; }, false,
       "nats a token from the policy that sampled: the updates of one rollout go too far; lower "
       "optimizer.learning_rate or algorithm.epochs, or set algorithm.kl.stop_at"},
      {"kl", [](double x) { return x > 0.5; }, false,
       "nats a token from the reference: fluency may be lost; raise algorithm.kl.coef or lower "
       "optimizer.learning_rate"},
      {"explained_variance", [](double x) { return x < 0; }, true,
       "is worse than a constant: the value network misleads; raise algorithm.value_coef, use "
       "value_network: separate, or a baseline without a network"},
      {"completions/clipped_ratio", [](double x) { return x > 0.5; }, true,
       "of the completions are cut before their end token; raise rollout.max_new_tokens, or add "
       "reward metric overlong, or a longer warm-up"},
      {"sampling/sampling_logp_difference/max", [](double x) { return x > 1e-2; }, false,
       "is more than rounding between decoding and training: the weights have grown out of all "
       "measure (see grad_norm), or this is a bug, please report it"}};
  return table;
}

// Falls by more than chance: a hundredth of the reward's range.
bool falls(double before, double now) { return now < before - 0.01; }
bool rises(double before, double now) { return now > before + 0.01; }

std::optional<double> number(const Row& row, const char* name) {
  if (row.find(name) == nullptr) return std::nullopt;
  return row.number(name);
}

}  // namespace

void Diagnostics::add(std::vector<std::string>& warnings, const std::string& name,
                      const std::string& text) {
  const auto last = last_warned_.find(name);
  if (last != last_warned_.end() && step_ < last->second + kSilence) return;
  last_warned_[name] = step_;
  warnings.push_back(text);
}

std::vector<std::string> Diagnostics::after_step(const Row& row) {
  std::vector<std::string> warnings;
  step_ = static_cast<int64_t>(row.number("step"));
  ++steps_seen_;
  reward_sum_ += row.number("reward");
  ++reward_count_;
  for (const Check& check : checks()) {
    const auto value = number(row, check.name);
    if (value && check.is_bad(*value) && (!check.after_settling || steps_seen_ > kSettling))
      add(warnings, check.name, fmt::format("{} {:.3g} {}", check.name, *value, check.advice));
  }
  if (const auto entropy = number(row, "entropy")) {
    if (!first_entropy_) first_entropy_ = *entropy;
    if (*entropy < 0.01 || *entropy < 0.03 * *first_entropy_)
      add(warnings, "entropy",
          fmt::format("entropy {:.3g} nats a token (first {:.3g}): the policy has become almost "
                      "deterministic and no longer explores; raise algorithm.entropy_coef or "
                      "rollout.temperature, or lower optimizer.learning_rate",
                      *entropy, *first_entropy_));
  }
  const auto signal = number(row, "gradient_noise/signal");
  const auto noise = number(row, "gradient_noise/noise");
  if (signal && noise) {
    signal_sum_ += *signal;
    noise_sum_ += *noise;
    ++noise_count_;
    const double completions = number(row, "completions/count").value_or(0);
    if (noise_count_ >= kNoiseSamples && completions > 0 &&
        noise_sum_ > 100 * completions * signal_sum_)
      add(warnings, "gradient_noise",
          fmt::format("the gradient is mostly noise: a step has {:.0f} completions, signal and "
                      "noise are equal at {}; raise rollout.prompts_per_step, use a baseline of "
                      "less variance, or lower optimizer.learning_rate",
                      completions,
                      signal_sum_ > 0 ? fmt::format("{:.0f}", noise_sum_ / signal_sum_)
                                      : "more than can be measured"));
  }
  return warnings;
}

std::vector<std::string> Diagnostics::after_evaluation(const Row& row) {
  std::vector<std::string> warnings;
  step_ = static_cast<int64_t>(row.number("step"));
  if (reward_count_ == 0) return warnings;
  train_rewards_.push_back(reward_sum_ / static_cast<double>(reward_count_));
  eval_rewards_.push_back(row.number("eval_reward"));
  reward_sum_ = 0;
  reward_count_ = 0;
  const size_t n = eval_rewards_.size();
  if (n < 2) return warnings;
  if (rises(train_rewards_[n - 2], train_rewards_[n - 1]) &&
      falls(eval_rewards_[n - 2], eval_rewards_[n - 1]))
    add(warnings, "hacking",
        fmt::format("the training reward rose from {:.3f} to {:.3f} while the held-out reward fell "
                    "from {:.3f} to {:.3f}: the policy may exploit the reward or learn the "
                    "training prompts by heart; look at completions.jsonl, use more data, or set "
                    "algorithm.kl.coef",
                    train_rewards_[n - 2], train_rewards_[n - 1], eval_rewards_[n - 2],
                    eval_rewards_[n - 1]));
  return warnings;
}

}  // namespace pgtrain
