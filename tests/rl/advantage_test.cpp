#include "rl/advantage.h"

#include "core/error.h"
#include "rl/family.h"
#include "rl/group_advantage.h"

using namespace pgtrain;
using test::close;
using test::tensor_of;

namespace {

at::Tensor row(std::initializer_list<double> values) {
  return torch::tensor(std::vector<double>(values), torch::kFloat64);
}

}  // namespace

TEST_CASE("advantages without groups: by hand", "[rl]") {
  const auto rewards = row({1, 0, 0, 1, 2, 6});
  CHECK(close(plain_advantage(rewards), rewards));
  CHECK(close(constant_advantage(rewards, 2), row({-1, -2, -2, -1, 0, 4})));
  // mean 10 / 6
  CHECK(close(batch_mean_advantage(rewards), rewards - 10.0 / 6));
  // three samples for each of two greedy completions
  CHECK(close(greedy_advantage(rewards, row({0.5, 2}), 3), row({0.5, -0.5, -0.5, -1, 0, 4})));
  CHECK_THROWS_AS(greedy_advantage(rewards, row({0.5, 2}), 2), InternalError);
}

TEST_CASE("advantages without groups: golden", "[rl][parity]") {
  const auto rl = test::golden("rl.json");
  const auto rewards = tensor_of(rl["inputs"]["reward"]);
  CHECK(close(plain_advantage(rewards), tensor_of(rl["advantages"]["none"])));
  CHECK(close(batch_mean_advantage(rewards), tensor_of(rl["advantages"]["batch_mean"])));
  const test::Family family;
  const auto& expected = family["advantages"];
  test::check_parity("constant", tensor_of(expected["constant_0.4"]), [&](at::ScalarType type) {
    return constant_advantage(family.in("reward", type), 0.4);
  });
  test::check_parity("greedy", tensor_of(expected["greedy"]), [&](at::ScalarType type) {
    return greedy_advantage(family.in("reward", type), family.in("greedy", type),
                            family.group_size());
  });
}

TEST_CASE("batch mean: sums to zero; shifts do not matter", "[rl]") {
  torch::manual_seed(4);
  const auto rewards = torch::randn({24}, torch::kFloat64);
  CHECK(close(batch_mean_advantage(rewards).sum().item<double>(), 0));
  CHECK(close(batch_mean_advantage(rewards - 2), batch_mean_advantage(rewards)));
  CHECK(close(greedy_advantage(rewards + 3, rewards.narrow(0, 0, 8) + 3, 3),
              greedy_advantage(rewards, rewards.narrow(0, 0, 8), 3)));
}

TEST_CASE("advantages carry no gradient", "[rl]") {
  const auto rewards = torch::randn({4}, torch::kFloat64).requires_grad_(true);
  EmaBaseline ema(0.5);
  const auto parts = torch::randn({4, 2}, torch::kFloat64).requires_grad_(true);
  for (const auto& a :
       {plain_advantage(rewards), constant_advantage(rewards, 1), batch_mean_advantage(rewards),
        greedy_advantage(rewards, rewards, 1), leave_one_out_advantage(rewards, 2),
        group_mean_advantage(rewards, 2), group_norm_advantage(rewards, 2),
        group_norm_advantage(rewards, 2, RewardScale::kBatch),
        optimal_length_advantage(rewards, torch::ones_like(rewards), 2),
        pass_at_k_advantage(rewards, 2), gdpo_advantage(parts, {1, 2}, 2), ema.advantage(rewards)})
    CHECK(!a.requires_grad());
}

TEST_CASE("ema baseline: only earlier steps judge a step; restored exactly", "[rl]") {
  EmaBaseline ema(0.75);
  CHECK(close(ema.advantage(row({1, 3})), row({-1, 1})));  // first step: its own mean, 2
  CHECK(
      close(ema.advantage(row({6, 6})), row({4, 4})));  // baseline 2, then 0.75 * 2 + 0.25 * 6 = 3
  CHECK(close(ema.value(), 3));
  EmaBaseline other(0.75);
  other.restore(ema.value(), ema.count());
  CHECK(close(ema.advantage(row({5, 7})), row({2, 4})));
  CHECK(close(other.advantage(row({5, 7})), row({2, 4})));
  CHECK(ema.value() == other.value());
  CHECK(ema.count() == 3);
}
