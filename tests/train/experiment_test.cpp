#include "train/experiment.h"

#include <algorithm>

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
