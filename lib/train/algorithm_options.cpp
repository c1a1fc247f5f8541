#include "train/algorithm_options.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <vector>

#include "config/problems.h"
#include "config/section.h"
#include "core/error.h"
#include "train/experiment.h"

namespace pgtrain {
namespace {

const std::map<std::string, PolicyLoss>& losses() {
  // Minimum risk training is REINFORCE with advantages of its own: see minimum_risk_advantage.
  static const std::map<std::string, PolicyLoss> table = {
      {"reinforce", PolicyLoss::kReinforce}, {"ppo", PolicyLoss::kPpo},
      {"gspo", PolicyLoss::kGspo},           {"cispo", PolicyLoss::kCispo},
      {"mrt", PolicyLoss::kReinforce},       {"rloo_sequence", PolicyLoss::kRlooSequence}};
  return table;
}

template <class Table>
std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  for (const auto& entry : table) names.push_back(entry.first);
  return names;
}

// Baselines that compare the samples of one prompt.
bool is_group_baseline(const std::string& name) {
  for (const char* known :
       {"leave_one_out", "group_mean", "group_norm", "optimal_length", "gdpo", "pass_at_k"})
    if (name == known) return true;
  return false;
}

bool is_one_of(const std::string& name, std::initializer_list<const char*> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

using Preset = std::pair<std::string, std::function<void()>>;

// What each published algorithm sets, all else staying at the defaults: the table and its sources
// are in rl/README.md.
std::vector<Preset> presets(AlgorithmOptions& o) {
  const auto set = [&o](const char* baseline, const char* loss, Aggregation aggregation) {
    o.baseline = baseline;
    o.loss = loss;
    o.aggregation = aggregation;
  };
  const auto kl = [&o](double coef, KlEstimator estimator, const char* placement) {
    o.kl.coef = coef;
    o.kl.estimator = estimator;
    o.kl.placement = placement;
  };
  const auto ppo = [&o, set, kl] {
    set("value", "ppo", Aggregation::kTokenMean);
    o.epochs = 4;
    o.gae_lambda = 0.95;
    o.whiten_advantages = true;
    o.value_coef = 0.1;
    o.value_clip = 0.2;
    kl(0.05, KlEstimator::kK1, "reward");
  };
  const auto grpo = [set, kl] {
    set("group_norm", "ppo", Aggregation::kSequenceMeanTokenMean);
    kl(0.04, KlEstimator::kK3, "loss");
  };
  const auto dr_grpo = [set] { set("group_mean", "ppo", Aggregation::kFixedNormaliser); };
  const auto dapo = [&o, set] {
    set("group_norm", "ppo", Aggregation::kTokenMean);
    o.clip_range_high = 0.28;
    o.resample_rounds = 10;
  };
  const auto gspo = [&o, set] {
    set("group_norm", "gspo", Aggregation::kSequenceMeanTokenMean);
    o.clip_range_low = 3e-4;
    o.clip_range_high = 4e-4;
    o.mini_batches = 4;
  };
  const auto cispo = [&o, set] {
    set("group_norm", "cispo", Aggregation::kTokenMean);
    o.max_ratio = 5;
  };
  const auto reinforce_pp = [set, kl] {
    set("reinforce_pp", "ppo", Aggregation::kTokenMean);
    kl(0.01, KlEstimator::kK1, "reward");
  };
  const auto greedy = [&o] { o.baseline = "greedy"; };
  const auto mrt = [set] { set("none", "mrt", Aggregation::kSequenceMeanTokenSum); };
  return {{"reinforce", [&o] { o.baseline = "ema"; }},
          {"a2c", [&o] { o.baseline = "value"; }},
          {"ppo", ppo},
          {"rloo", [&o] { o.baseline = "leave_one_out"; }},
          {"grpo", grpo},
          {"dr_grpo", dr_grpo},
          {"dapo", dapo},
          {"gspo", gspo},
          {"cispo", cispo},
          {"reinforce_pp", reinforce_pp},
          {"remax", greedy},
          {"mrt", mrt},
          {"scst", greedy}};
}

void describe_kl(Section& s, KlOptions& o) {
  s.field("coef", o.coef, "weight of the penalty for leaving the reference; 0 = no reference",
          between(0.0, 1e6));
  s.choice("estimator", o.estimator,
           {{"k1", KlEstimator::kK1}, {"k2", KlEstimator::kK2}, {"k3", KlEstimator::kK3}},
           "of the divergence of a token, with d = log pi - log ref: d, d^2 / 2, or "
           "exp(-d) + d - 1");
  s.choice("placement", o.placement, {"loss", "reward"},
           "added to the loss of each token, or subtracted from the reward");
  s.choice("controller", o.controller, {"fixed", "adaptive"},
           "adaptive: after each step the coefficient moves so that the divergence of a completion "
           "approaches kl.target");
  s.field("target", o.target, "divergence of a whole completion, in nats; controller adaptive only",
          between(1e-6, 1e6));
  s.field("horizon", o.horizon,
          "completions over which the coefficient follows; controller adaptive only",
          between(1.0, 1e12));
  s.field("reference", o.reference,
          "start = the weights before the first policy-gradient step, ema = a moving average of "
          "the weights, or the folder of a checkpoint");
  s.field("refresh_every", o.refresh_every,
          "steps after which the reference becomes the present policy; reference start only; 0 = "
          "never",
          at_least(0));
  s.field("ema_decay", o.ema_decay,
          "share of the old average that one step keeps; reference ema only",
          between(0.0, 0.9999999));
  s.field("stop_at", o.stop_at,
          "a rollout's remaining updates are left out once the divergence from the policy that "
          "sampled it exceeds 1.5 times this; 0 = never",
          between(0.0, 1e6));
}

void describe_losses(Section& s, AlgorithmOptions& o) {
  s.field("epochs", o.epochs, "times that each rollout is used", between(1, 1 << 16));
  s.field("mini_batches", o.mini_batches,
          "optimiser steps in one epoch, each on an equal share of the rollout's completions, "
          "drawn anew in every epoch",
          between(1, 1 << 20));
  s.field("clip_range_low", o.clip_range_low,
          "the ratio pi / pi_old stops counting below 1 - this; losses ppo, gspo, rloo_sequence",
          between(0.0, 1.0));
  s.field("clip_range_high", o.clip_range_high,
          "and above 1 + this; losses ppo, gspo, rloo_sequence", between(0.0, 1e6));
  s.field("dual_clip", o.dual_clip,
          "largest loss of a token with a negative advantage, in advantages, above 1; losses ppo, "
          "gspo, rloo_sequence; 0 = none",
          between(0.0, 1e6));
  s.field("max_ratio", o.max_ratio,
          "largest ratio that counts; the bound of loss cispo, and for negative advantages of "
          "losses ppo, gspo, rloo_sequence; 0 = none",
          between(0.0, 1e6));
  s.field("off_policy_threshold", o.off_policy_threshold,
          "completions with a negative advantage whose tokens have become less probable by more "
          "than this many nats on average are left out; 0 = none",
          between(0.0, 1e6));
  s.field("mrt_alpha", o.mrt_alpha, "sharpness of the samples' distribution; loss mrt only",
          between(1e-9, 1e3));
  s.field("mask_truncated", o.mask_truncated,
          "completions that max_new_tokens cut are left out of the loss; their rewards still count "
          "in the baseline");
  s.field("resample_rounds", o.resample_rounds,
          "rounds in which groups whose rewards are all equal are replaced by other prompts "
          "(DAPO's dynamic sampling); 0 = off",
          between(0, 1000));
}

void describe_terms(Section& s, AlgorithmOptions& o) {
  s.field("entropy_coef", o.entropy_coef, "weight of the entropy bonus", between(-1e3, 1e3));
  s.choice("entropy_control", o.entropy_control, {"fixed", "adaptive"},
           "adaptive: the weight rises by 0.005 a step while the entropy is below entropy_target, "
           "falls while it is above, and acts only below");
  s.field("entropy_target", o.entropy_target, "nats a token; entropy_control adaptive only",
          between(0.0, 100.0));
  s.field("value_coef", o.value_coef, "weight of the value loss; baseline value only",
          between(0.0, 1e6));
  s.field("value_clip", o.value_clip,
          "largest change of V(s) that counts in one rollout; baseline value only; 0 = any",
          between(0.0, 1e6));
  s.choice("value_network", o.value_network, {"shared", "separate"},
           "V(s) as a linear reading of the policy's states, or a network of its own; baseline "
           "value only");
  s.field("supervised_coef", o.supervised_coef,
          "weight of the cross-entropy of the step's targets, added to the loss; 0 = none",
          between(0.0, 1e6));
}

}  // namespace

void describe(Section& s, AlgorithmOptions& o) {
  s.preset("preset", o.preset, presets(o),
           "a published combination; every other key of this block overrides its part of it");
  s.choice("baseline", o.baseline,
           {"none", "constant", "ema", "batch_mean", "leave_one_out", "group_mean", "group_norm",
            "greedy", "optimal_length", "value", "reinforce_pp", "gdpo", "pass_at_k"},
           "what is subtracted from the reward: nothing, a number, an average of earlier steps, of "
           "this batch, of the other samples of the prompt, of all its samples (group_norm: and "
           "divided by their deviation), the reward of the greedy completion, the average by "
           "length, a learned V(s); reinforce_pp: whitened over all tokens; gdpo: each reward "
           "normalised by itself; pass_at_k: only the best sample counts");
  s.choice("loss", o.loss, names_of(losses()),
           "of the ratio to the policy that sampled, clipped (ppo: of tokens, gspo: of sequence "
           "means, rloo_sequence: of sequences, cispo: bounded), reinforce: -A log pi, mrt: the "
           "expected risk over the samples");
  s.choice("aggregation", o.aggregation,
           {{"token_mean", Aggregation::kTokenMean},
            {"sequence_mean_token_mean", Aggregation::kSequenceMeanTokenMean},
            {"sequence_mean_token_sum", Aggregation::kSequenceMeanTokenSum},
            {"fixed_normaliser", Aggregation::kFixedNormaliser}},
           "how token losses add up: over all tokens, completions of averaged tokens, completions "
           "of summed tokens (the exact policy gradient), or the sum over max_new_tokens times "
           "completions");
  s.field("constant_baseline", o.constant_baseline, "baseline constant only", between(-1e38, 1e38));
  s.field("ema_decay", o.ema_decay,
          "share of the old average that one step keeps; baseline ema only",
          between(0.0, 0.999999));
  s.field("gamma", o.gamma, "discount of later rewards; baselines value and reinforce_pp",
          between(0.0, 1.0));
  s.field("gae_lambda", o.gae_lambda, "1 = whole returns, 0 = one step and V; baseline value only",
          between(0.0, 1.0));
  s.field("whiten_advantages", o.whiten_advantages,
          "shift and scale the batch's advantages to mean 0 and variance 1");
  s.field("advantage_scale", o.advantage_scale,
          "factor of every advantage; 0 = a control run that must not learn", between(-1e38, 1e38));
  describe_losses(s, o);
  describe_terms(s, o);
  describe_kl(s.section("kl", "the penalty for leaving a reference"), o.kl);
}

namespace {

// Calls visit(key, value, standard value, is_read, needs) for every option that only some settings
// read.
template <class Visit>
void visit_kl_conditions(AlgorithmOptions& now, const Visit& visit) {
  KlOptions& kl = now.kl;
  const KlOptions standard;
  const bool on = now.uses_reference();
  const std::string needs = "algorithm.kl.coef above 0";
  visit("algorithm.kl.estimator", kl.estimator, standard.estimator, on, needs);
  visit("algorithm.kl.placement", kl.placement, standard.placement, on, needs);
  visit("algorithm.kl.controller", kl.controller, standard.controller, on, needs);
  visit("algorithm.kl.reference", kl.reference, standard.reference, on, needs);
  visit("algorithm.kl.target", kl.target, standard.target, kl.controller == "adaptive",
        "controller 'adaptive'");
  visit("algorithm.kl.horizon", kl.horizon, standard.horizon, kl.controller == "adaptive",
        "controller 'adaptive'");
  visit("algorithm.kl.refresh_every", kl.refresh_every, standard.refresh_every,
        on && kl.reference == "start", needs + " with reference 'start'");
  visit("algorithm.kl.ema_decay", kl.ema_decay, standard.ema_decay, on && kl.reference == "ema",
        needs + " with reference 'ema'");
  visit("algorithm.kl.stop_at", kl.stop_at, standard.stop_at, now.epochs * now.mini_batches > 1,
        "several epochs or mini_batches");
}

template <class Visit>
void visit_conditions(AlgorithmOptions& now, const Visit& visit) {
  const AlgorithmOptions standard;
  const std::string& baseline = now.baseline;
  const bool has_value = baseline == "value";
  const bool clips = is_one_of(now.loss, {"ppo", "gspo", "rloo_sequence"});
  const auto baseline_only = [](const char* name) { return fmt::format("baseline '{}'", name); };
  visit("algorithm.constant_baseline", now.constant_baseline, standard.constant_baseline,
        baseline == "constant", baseline_only("constant"));
  visit("algorithm.ema_decay", now.ema_decay, standard.ema_decay, baseline == "ema",
        baseline_only("ema"));
  visit("algorithm.gamma", now.gamma, standard.gamma, has_value || baseline == "reinforce_pp",
        "baselines 'value' and 'reinforce_pp'");
  visit("algorithm.gae_lambda", now.gae_lambda, standard.gae_lambda, has_value,
        baseline_only("value"));
  visit("algorithm.value_coef", now.value_coef, standard.value_coef, has_value,
        baseline_only("value"));
  visit("algorithm.value_clip", now.value_clip, standard.value_clip, has_value,
        baseline_only("value"));
  visit("algorithm.value_network", now.value_network, standard.value_network, has_value,
        baseline_only("value"));
  visit("algorithm.whiten_advantages", now.whiten_advantages, standard.whiten_advantages,
        !is_one_of(baseline, {"reinforce_pp", "gdpo"}),
        "the baselines that do not whiten themselves, unlike reinforce_pp and gdpo");
  const std::string clipped = "losses 'ppo', 'gspo' and 'rloo_sequence'";
  visit("algorithm.clip_range_low", now.clip_range_low, standard.clip_range_low, clips, clipped);
  visit("algorithm.clip_range_high", now.clip_range_high, standard.clip_range_high, clips, clipped);
  visit("algorithm.dual_clip", now.dual_clip, standard.dual_clip, clips, clipped);
  visit("algorithm.max_ratio", now.max_ratio, standard.max_ratio, clips || now.loss == "cispo",
        clipped + ", and 'cispo'");
  visit("algorithm.off_policy_threshold", now.off_policy_threshold, standard.off_policy_threshold,
        now.epochs * now.mini_batches > 1, "several epochs or mini_batches");
  visit("algorithm.mrt_alpha", now.mrt_alpha, standard.mrt_alpha, now.loss == "mrt", "loss 'mrt'");
  visit("algorithm.entropy_target", now.entropy_target, standard.entropy_target,
        now.entropy_control == "adaptive", "entropy_control 'adaptive'");
  visit_kl_conditions(now, visit);
}

// Refuses options that were given but that nothing reads; what a preset sets does not count.
void check_unused(AlgorithmOptions now, Problems& problems) {
  visit_conditions(now, [&](const std::string& key, const auto& value, const auto& standard,
                            bool is_read, const std::string& needs) {
    if (value != standard && !is_read && problems.is_set(key))
      problems.add(key, fmt::format("has no effect here; it belongs to {}", needs));
  });
}

void check_groups(const ExperimentConfig& config, Problems& problems) {
  const AlgorithmOptions& now = config.algorithm;
  const int64_t group = config.rollout.samples_per_prompt;
  const int64_t samples = config.rollout.prompts_per_step * group;
  if (is_group_baseline(now.baseline) && group < 2)
    problems.add(
        "rollout.samples_per_prompt",
        fmt::format("baseline '{}' compares samples of one prompt: use at least 2", now.baseline));
  if (now.loss == "mrt" && group < 2)
    problems.add("rollout.samples_per_prompt",
                 "loss 'mrt' compares samples of one prompt: use at least 2");
  if (now.resample_rounds > 0 && group < 2)
    problems.add("algorithm.resample_rounds",
                 "compares samples of one prompt: use rollout.samples_per_prompt of at least 2");
  if (now.baseline == "batch_mean" && samples < 2)
    problems.add("rollout.prompts_per_step",
                 "baseline 'batch_mean' compares completions of one step: use at least 2");
  if (now.whiten_advantages && samples < 2 && now.baseline != "value")
    problems.add("algorithm.whiten_advantages", "needs at least two completions in a step");
  if (samples * (now.resample_rounds + 1) > std::numeric_limits<uint32_t>::max())
    problems.add("algorithm.resample_rounds", "times the completions of a step is more than 2^32");
  if (now.mini_batches > samples)
    problems.add("algorithm.mini_batches",
                 fmt::format("is more than the {} completions of a step", samples));
}

void check_loss(const AlgorithmOptions& now, Problems& problems) {
  const bool sums = now.aggregation == Aggregation::kSequenceMeanTokenSum;
  if (is_one_of(now.loss, {"mrt", "rloo_sequence"}) && !sums)
    problems.add(
        "algorithm.aggregation",
        fmt::format("loss '{}' is of whole completions: use sequence_mean_token_sum", now.loss));
  if (now.loss == "rloo_sequence" && is_one_of(now.baseline, {"value", "reinforce_pp"}))
    problems.add("algorithm.baseline",
                 "loss 'rloo_sequence' needs one advantage a completion, not one a token");
  if (now.loss == "mrt" && now.baseline != "none")
    problems.add("algorithm.baseline",
                 "loss 'mrt' compares with the expected reward of the samples: use baseline none");
  if (now.loss == "mrt" && now.epochs * now.mini_batches > 1)
    problems.add("algorithm.epochs",
                 "loss 'mrt' is exact for the policy that sampled only: use one epoch and one "
                 "mini-batch");
  if (now.loss == "cispo" && now.max_ratio <= 0)
    problems.add("algorithm.max_ratio", "loss 'cispo' needs a bound above 0, for example 5");
  if (now.entropy_control == "adaptive" && (now.entropy_coef < 0 || now.entropy_coef > 1))
    problems.add("algorithm.entropy_coef",
                 "is moved within 0 and 1 by entropy_control 'adaptive': start there");
  if (now.dual_clip != 0 && now.dual_clip <= 1)
    problems.add("algorithm.dual_clip", "must be above 1, or 0 for none");
  if (now.uses_reference() && now.kl.placement == "loss" && now.kl.estimator == KlEstimator::kK1)
    problems.add(
        "algorithm.kl.estimator",
        "k1 in the loss has a gradient of 0 on average: use k2 or k3, or placement reward");
  if (now.uses_reference() && now.kl.placement == "reward" && now.baseline == "gdpo")
    problems.add("algorithm.kl.placement",
                 "baseline 'gdpo' normalises each reward by itself: use placement loss");
}

}  // namespace

void reset_unread(AlgorithmOptions& options) {
  visit_conditions(options, [](const std::string&, auto& value, const auto& standard, bool is_read,
                               const std::string&) {
    if (!is_read) value = standard;
  });
}

void check_algorithm(const ExperimentConfig& config, Problems& problems) {
  check_unused(config.algorithm, problems);
  check_groups(config, problems);
  check_loss(config.algorithm, problems);
}

Objective make_objective(const AlgorithmOptions& options, double temperature,
                         int64_t max_new_tokens) {
  Objective objective;
  objective.loss = losses().at(options.loss);
  objective.gspo_gradient = is_one_of(options.baseline, {"value", "reinforce_pp"})
                                ? GspoGradient::kToken
                                : GspoGradient::kSequence;
  objective.ratio.clip_range_low = options.clip_range_low;
  objective.ratio.clip_range_high = options.clip_range_high;
  objective.ratio.dual_clip = options.dual_clip;
  objective.ratio.max_ratio = options.max_ratio;
  objective.aggregation = options.aggregation;
  objective.normaliser = static_cast<double>(max_new_tokens);
  objective.off_policy_threshold = options.off_policy_threshold;
  objective.temperature = temperature;
  objective.kl_estimator = options.kl.estimator;
  objective.kl_coef = options.kl.placement == "loss" ? options.kl.coef : 0;
  objective.entropy_coef = options.entropy_coef;
  objective.value_coef = options.value_coef;
  objective.value_clip = options.value_clip;
  return objective;
}

}  // namespace pgtrain
