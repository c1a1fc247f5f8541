#include "train/update_plan.h"

#include <algorithm>

#include "core/error.h"
#include "support/models.h"
#include "support/tensors.h"
#include "train/policy.h"

using namespace pgtrain;

namespace {

std::unique_ptr<Policy> make_policy() {
  auto tokenizer = build_tokenizer({"char", 0, ""}, {std::string_view("abcdef")});
  const auto options = test::tiny_options("gru", tokenizer->vocab_size());
  return std::make_unique<Policy>(std::move(tokenizer), options, ValueNetwork::kNone, 1);
}

// A batch as if `policy` had sampled the sequences.
UpdateBatch sampled_batch(const Policy& policy, WorkerPool& pool,
                          const std::vector<Sequence>& sequences) {
  UpdateBatch batch;
  batch.sequences = test::pointers(sequences);
  batch.mask = completion_mask(batch.sequences);
  torch::manual_seed(4);
  batch.advantages = torch::randn({batch.size(), 1}).expand(batch.mask.sizes()).contiguous();
  batch.old_log_probs =
      frozen_log_probs(policy.model(), pool, batch, batch.mask, 1.0, {Parallelism::kSequences, 4});
  return batch;
}

struct Outcome {
  UpdateSummary summary;
  at::Tensor values;
};

Outcome run(const UpdatePlan& plan, const Objective& objective, int threads = 2,
            int64_t micro_batch = 4, double learning_rate = 1e-2) {
  const auto sequences = test::random_sequences(24, 11, 5);
  const auto policy = make_policy();
  WorkerPool pool(threads);
  const auto batch = sampled_batch(*policy, pool, sequences);
  Learner learner(*policy, pool, {}, micro_batch);
  const Rng rng(1, Purpose::kMiniBatch);
  Outcome outcome;
  outcome.summary = run_updates(learner, batch, objective, plan, rng, 3, learning_rate);
  outcome.values = policy->parameters().values().clone();
  return outcome;
}

Objective ppo() {
  Objective objective;
  objective.loss = PolicyLoss::kPpo;
  return objective;
}

}  // namespace

TEST_CASE("split_rows: every row once, in parts whose sizes differ by at most one", "[train]") {
  const Rng rng(1, Purpose::kMiniBatch);
  for (const int64_t parts : {1, 2, 3, 7, 10}) {
    const auto split = split_rows(10, parts, rng, 5);
    REQUIRE(static_cast<int64_t>(split.size()) == parts);
    std::vector<int64_t> all;
    for (const auto& part : split) {
      const auto size = static_cast<int64_t>(part.size());
      CHECK((size == 10 / parts || size == (10 + parts - 1) / parts));
      all.insert(all.end(), part.begin(), part.end());
    }
    std::sort(all.begin(), all.end());
    for (int64_t i = 0; i < 10; ++i) CHECK(all[static_cast<size_t>(i)] == i);
  }
  CHECK(split_rows(10, 2, rng, 5) == split_rows(10, 2, rng, 5));
  CHECK(split_rows(10, 2, rng, 5) != split_rows(10, 2, rng, 6));
  CHECK(split_rows(4, 1, rng, 5)[0] == std::vector<int64_t>{0, 1, 2, 3});
  CHECK_THROWS_AS(split_rows(3, 4, rng, 5), InternalError);
}

TEST_CASE("run_updates: the first update of a rollout has ratio 1 exactly", "[train]") {
  const auto outcome = run({1, 1, 0}, ppo());
  CHECK(outcome.summary.updates == 1);
  CHECK(outcome.summary.mean.ratio.max_ratio == 1);
  CHECK(outcome.summary.mean.ratio.approx_kl() == 0);
  CHECK(outcome.summary.mean.clip.clip_fraction() == 0);
  CHECK(outcome.summary.log_prob_gap < test::kTolerance32);
  // At ratio 1 PPO's gradient is REINFORCE's, so the weights after the step are the same.
  const auto plain = run({1, 1, 0}, {});
  CHECK(test::close(outcome.values, plain.values, 3 * test::kTolerance32));
}

TEST_CASE("run_updates: epochs and mini-batches make that many steps and leave ratio 1",
          "[train]") {
  const auto outcome = run({3, 4, 0}, ppo());
  CHECK(outcome.summary.updates == 12);
  CHECK(outcome.summary.mean.ratio.max_ratio > 1.01);
  CHECK(outcome.summary.mean.ratio.approx_kl() > 0);
  CHECK(outcome.summary.mean.ratio.tokens == 3 * run({1, 1, 0}, ppo()).summary.mean.ratio.tokens);
}

TEST_CASE("run_updates: the same bits with any number of threads, close with any micro-batch",
          "[train]") {
  const auto one = run({2, 3, 0}, ppo(), 1);
  for (const int threads : {2, 5}) {
    const auto many = run({2, 3, 0}, ppo(), threads);
    CHECK(test::same_bits(many.values, one.values));
    CHECK(many.summary.mean.total == one.summary.mean.total);
  }
  // Adam divides by the gradient's size, so compare small steps.
  const auto whole = run({2, 3, 0}, ppo(), 1, 64, 1e-4);
  CHECK(test::close(run({2, 3, 0}, ppo(), 1, 1, 1e-4).values, whole.values, 1e-4));
}

TEST_CASE("run_updates: once the divergence is too large no update follows", "[train]") {
  const auto outcome = run({50, 1, 1e-3}, ppo(), 2, 4, 0.05);
  CHECK(outcome.summary.stopped_early);
  CHECK(outcome.summary.updates >= 1);
  CHECK(outcome.summary.updates < 50);
  CHECK(outcome.summary.finite);
}

TEST_CASE("run_updates: an update that is not finite ends the rollout's use", "[train]") {
  Objective objective = ppo();
  objective.entropy_coef = std::numeric_limits<double>::infinity();
  const auto outcome = run({4, 1, 0}, objective);
  CHECK(!outcome.summary.finite);
  CHECK(outcome.summary.updates == 0);
  CHECK(test::same_bits(outcome.values, make_policy()->parameters().values()));
}
