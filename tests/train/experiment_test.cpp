#include "train/experiment.h"

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "support/support.h"

using namespace pgtrain;
using test::contains;

namespace {

const std::string kMinimal = "data: {train: t.jsonl}\n";

ExperimentConfig load_text(const std::string& text,
                           const std::vector<std::string>& overrides = {}) {
  const test::TempDir dir;
  test::write_file(dir / "exp.yaml", text);
  return load_experiment({dir / "exp.yaml"}, overrides);
}

std::string problem(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return test::message_of<ConfigError>([&] { load_text(text, overrides); });
}

}  // namespace

TEST_CASE("experiment: defaults, presets and overriding one part of a preset", "[train]") {
  const auto config = load_text(kMinimal);
  CHECK(config.algorithm.preset == "rloo");
  CHECK(config.algorithm.baseline == "leave_one_out");
  CHECK(config.run.directory == "runs/run");
  CHECK(config.reward.size() == 1);
  CHECK(load_text(kMinimal + "algorithm: {preset: a2c}\n").algorithm.baseline == "value");
  CHECK(load_text(kMinimal + "algorithm: {baseline: none, preset: a2c}\n").algorithm.baseline ==
        "none");
  CHECK(load_text(kMinimal, {"algorithm.preset=reinforce"}).algorithm.baseline == "ema");
}

TEST_CASE("experiment: conflicts between keys and options without effect are errors at their place",
          "[train]") {
  CHECK(contains(problem("rollout: {}\n"), "data.train"));
  CHECK(contains(problem(kMinimal + "rollout: {samples_per_prompt: 1}\n"), "exp.yaml:2"));
  CHECK(contains(problem(kMinimal + "rollout: {samples_per_prompt: 1}\n"), "leave_one_out"));
  CHECK(contains(problem(kMinimal + "algorithm: {ema_decay: 0.5}\n"), "has no effect"));
  CHECK(contains(problem(kMinimal + "algorithm: {gae_lambda: 0.5}\n"), "baseline 'value'"));
  CHECK(contains(problem(kMinimal + "optimizer: {kind: adam, weight_decay: 0.1}\n"),
                 "optimizer.weight_decay"));
  CHECK(contains(problem(kMinimal, {"optimizer.warmup_steps=500"}), "train.steps"));
  CHECK(contains(problem(kMinimal + "reward: []\n"), "reward"));
  CHECK(contains(problem(kMinimal + "run: {name: a/b}\n"), "run.name"));
  CHECK(contains(problem(kMinimal + "run: {name: ..}\n"), "run.name"));
  CHECK(
      contains(problem(kMinimal + "tokenizer: {kind: byte, vocab_size: 300}\n"), "has no effect"));
  CHECK(contains(problem(kMinimal, {"rollout.prompts_per_step=1", "rollout.samples_per_prompt=1",
                                    "algorithm.baseline=batch_mean"}),
                 "at least 2"));
  CHECK(contains(problem(kMinimal + "trian: {steps: 3}\n"), "train"));
  CHECK(problem(kMinimal + "algorithm: {preset: reinforce, ema_decay: 0.5}\n").empty());
}

TEST_CASE("experiment: every preset is a combination without conflicts, and dumps as one",
          "[train]") {
  for (const char* name : {"reinforce", "a2c", "ppo", "rloo", "grpo", "dr_grpo", "dapo", "gspo",
                           "cispo", "reinforce_pp", "remax", "mrt", "scst"}) {
    INFO(name);
    const auto config = load_text(kMinimal, {"algorithm.preset=" + std::string(name)});
    const test::TempDir dir;
    test::write_file(dir / "dump.yaml", dump_experiment(config, true));
    CHECK(conflicting_keys(config, load_experiment({dir / "dump.yaml"}, {})).empty());
  }
  const auto ppo = load_text(kMinimal + "algorithm: {epochs: 2, kl: {coef: 0.2}, preset: ppo}\n");
  CHECK(ppo.algorithm.loss == "ppo");
  CHECK(ppo.algorithm.epochs == 2);
  CHECK(ppo.algorithm.kl.coef == 0.2);
  CHECK(ppo.algorithm.kl.placement == "reward");
  CHECK(ppo.algorithm.kl.estimator == KlEstimator::kK1);
}

TEST_CASE("experiment: what a preset set and an override made useless is dropped, not refused",
          "[train]") {
  for (const char* algorithm :
       {"{preset: ppo, kl: {coef: 0}}", "{preset: reinforce_pp, kl: {coef: 0}}",
        "{preset: ppo, baseline: leave_one_out, whiten_advantages: false}",
        "{preset: dapo, loss: reinforce}", "{preset: gspo, loss: reinforce}",
        "{preset: cispo, loss: reinforce}"}) {
    INFO(algorithm);
    const auto config = load_text(kMinimal + "algorithm: " + algorithm + "\n");
    CHECK(config.algorithm.dual_clip == AlgorithmOptions().dual_clip);
    const auto again = load_text(dump_experiment(config));
    CHECK(conflicting_keys(config, again).empty());
  }
  const auto refused = test::message_of<ConfigError>([] {
    load_text(kMinimal + "algorithm: {preset: ppo, baseline: leave_one_out, gae_lambda: 0.5}\n");
  });
  CHECK(contains(refused, "algorithm.gae_lambda: has no effect here"));
}

TEST_CASE("experiment: every file of configs/ loads", "[train]") {
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("configs"))
    if (entry.path().extension() == ".yaml") {
      INFO(entry.path().string());
      CHECK_NOTHROW(load_experiment({entry.path()}, {}));
      ++files;
    }
  CHECK(files >= 16);
}

TEST_CASE("experiment: parts of the algorithm that nothing reads, or that exclude each other",
          "[train]") {
  const auto refuse = [](const std::vector<std::string>& overrides) {
    return problem(kMinimal, overrides);
  };
  for (const char* option :
       {"clip_range_low=0.1", "clip_range_high=0.3", "dual_clip=3", "max_ratio=2", "mrt_alpha=1",
        "off_policy_threshold=1", "constant_baseline=1", "value_clip=0.1", "value_network=separate",
        "entropy_target=1", "kl.estimator=k2", "kl.placement=reward", "kl.controller=adaptive",
        "kl.target=1", "kl.horizon=5", "kl.reference=ema", "kl.refresh_every=3", "kl.ema_decay=0.5",
        "kl.stop_at=0.1"}) {
    INFO(option);
    CHECK(contains(refuse({"algorithm." + std::string(option)}), "has no effect here"));
  }
  CHECK(contains(refuse({"algorithm.preset=mrt", "algorithm.epochs=2"}), "one epoch"));
  CHECK(contains(refuse({"algorithm.preset=mrt", "algorithm.aggregation=token_mean"}),
                 "sequence_mean_token_sum"));
  CHECK(contains(refuse({"algorithm.loss=mrt"}), "baseline none"));
  CHECK(contains(refuse({"algorithm.loss=cispo"}), "needs a bound"));
  CHECK(contains(refuse({"algorithm.loss=ppo", "algorithm.dual_clip=0.5"}), "above 1"));
  CHECK(contains(refuse({"algorithm.loss=rloo_sequence", "algorithm.baseline=value"}),
                 "one advantage a completion"));
  CHECK(contains(refuse({"algorithm.kl.coef=0.1", "algorithm.kl.estimator=k1"}),
                 "gradient of 0 on average"));
  CHECK(contains(refuse({"algorithm.mini_batches=1000"}), "256 completions"));
  CHECK(contains(refuse({"algorithm.baseline=group_norm", "rollout.samples_per_prompt=1"}),
                 "compares samples of one prompt"));
  CHECK(contains(refuse({"algorithm.preset=reinforce", "algorithm.resample_rounds=1",
                         "rollout.samples_per_prompt=1"}),
                 "resample_rounds"));
  CHECK(contains(refuse({"optimizer.kind=sgd", "optimizer.beta1=0.5"}), "has no effect"));
  CHECK(contains(refuse({"optimizer.momentum=0.5"}), "has no effect"));
  CHECK(contains(refuse({"optimizer.kind=sgd", "optimizer.nesterov=true"}), "has no effect"));
}

TEST_CASE("experiment: the dump reads back to the same values", "[train]") {
  const auto config = load_text(
      kMinimal, {"optimizer.learning_rate=0.0007", "reward=[{metric: exact_match, weight: 0.3}]",
                 "algorithm.preset=a2c", "algorithm.gamma=0.9"});
  const test::TempDir dir;
  for (const bool changed_only : {false, true}) {
    test::write_file(dir / "dump.yaml", dump_experiment(config, changed_only));
    auto back = load_experiment({dir / "dump.yaml"}, {});
    CHECK(conflicting_keys(config, back).empty());
    CHECK(back.optimizer.learning_rate == 0.0007);
    CHECK(back.algorithm.gamma == 0.9);
    CHECK(back.reward[0].metric == "exact_match");
  }
}

TEST_CASE("experiment: what a resumed run may change", "[train]") {
  const auto conflicts = [](const std::vector<std::string>& now) {
    return conflicting_keys(load_text(kMinimal), load_text(kMinimal, now));
  };
  CHECK(
      conflicts({"run.threads=3", "run.name=x", "checkpoint.every=7", "train.steps=999"}).empty());
  CHECK(conflicts({"run.seed=2"}) == std::vector<std::string>{"run.seed: 1 -> 2"});
  CHECK(conflicts({"optimizer.schedule=linear", "train.steps=999"}).size() == 2);
  CHECK(conflicts({"reward=[{metric: exact_match}, {metric: edit_similarity}]"}).size() ==
        8);  // the first one's metric, all that applies to the second
}
