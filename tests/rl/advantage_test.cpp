#include "rl/advantage.h"

#include "core/error.h"
#include "support/tensors.h"

using namespace pgtrain;
using test::close;
using test::tensor_of;

namespace {

at::Tensor row(std::initializer_list<double> values) {
  return torch::tensor(std::vector<double>(values), torch::kFloat64);
}

}  // namespace

TEST_CASE("advantages: by hand", "[rl]") {
  const auto rewards = row({1, 0, 0, 1, 2, 6});
  CHECK(close(plain_advantage(rewards), rewards));
  // mean 10 / 6
  CHECK(close(batch_mean_advantage(rewards), rewards - 10.0 / 6));
  // groups of 3: (1,0,0): 1 - 0, 0 - 1/2, 0 - 1/2;   (1,2,6): 1 - 4, 2 - 7/2, 6 - 3/2
  CHECK(close(leave_one_out_advantage(rewards, 3), row({1, -0.5, -0.5, -3, -1.5, 4.5})));
  CHECK_THROWS_AS(leave_one_out_advantage(rewards, 1), InternalError);
  CHECK_THROWS_AS(leave_one_out_advantage(rewards, 4), InternalError);
}

TEST_CASE("advantages: golden", "[rl]") {
  const auto rl = test::golden("rl.json");
  const auto rewards = tensor_of(rl["inputs"]["reward"]);
  const int64_t group = rl["inputs"]["group_size"];
  const auto& expected = rl["advantages"];
  CHECK(close(plain_advantage(rewards), tensor_of(expected["none"])));
  CHECK(close(batch_mean_advantage(rewards), tensor_of(expected["batch_mean"])));
  CHECK(close(leave_one_out_advantage(rewards, group), tensor_of(expected["rloo"])));
  const auto in_float = leave_one_out_advantage(rewards.to(torch::kFloat32), group);
  CHECK(close(in_float, tensor_of(expected["rloo"]), test::kTolerance32));
}

TEST_CASE("advantages: laws of sums, shifts, scales and constant rewards", "[rl]") {
  torch::manual_seed(4);
  for (int round = 0; round < 20; ++round) {
    const auto rewards = torch::randn({24}, torch::kFloat64);
    for (const int64_t group : {2, 3, 8}) {
      const auto a = leave_one_out_advantage(rewards, group);
      CHECK(close(a.view({-1, group}).sum(1), torch::zeros({24 / group}, torch::kFloat64)));
      CHECK(close(leave_one_out_advantage(rewards + 5, group), a));
      CHECK(close(leave_one_out_advantage(rewards * 3, group), a * 3));
      CHECK(close(leave_one_out_advantage(torch::full({24}, 0.7, torch::kFloat64), group),
                  torch::zeros({24}, torch::kFloat64)));
      // n / (n - 1) times the distance from the group mean
      const auto grouped = rewards.view({-1, group});
      const auto centred = (grouped - grouped.mean(1, true)).flatten();
      CHECK(close(a, centred * (static_cast<double>(group) / static_cast<double>(group - 1))));
    }
    CHECK(close(batch_mean_advantage(rewards).sum().item<double>(), 0));
    CHECK(close(batch_mean_advantage(rewards - 2), batch_mean_advantage(rewards)));
  }
}

TEST_CASE("advantages carry no gradient", "[rl]") {
  const auto rewards = torch::randn({4}, torch::kFloat64).requires_grad_(true);
  EmaBaseline ema(0.5);
  for (const auto& a : {plain_advantage(rewards), batch_mean_advantage(rewards),
                        leave_one_out_advantage(rewards, 2), ema.advantage(rewards)})
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

TEST_CASE("terminal rewards: at each row's last counted token", "[rl]") {
  const auto mask =
      torch::tensor({{1.0, 1.0, 1.0}, {1.0, 0.0, 0.0}, {0.0, 0.0, 0.0}}, torch::kFloat64);
  const auto expected =
      torch::tensor({{0.0, 0.0, 5.0}, {7.0, 0.0, 0.0}, {0.0, 0.0, 0.0}}, torch::kFloat64);
  CHECK(close(terminal_rewards(row({5, 7, 9}), mask), expected));
  CHECK(close(terminal_rewards(row({5}), torch::ones({1, 1}, torch::kFloat64)),
              torch::full({1, 1}, 5.0, torch::kFloat64)));
}

TEST_CASE("gae: by hand, with rows of different length", "[rl]") {
  // row 0: r = (0, 1), V = (0.5, 0.25), gamma 0.5, lambda 0.5: delta1 = 1 - 0.25 = 0.75, delta0 =
  // 0.125 - 0.5 = -0.375,
  //        A1 = 0.75, A0 = -0.375 + 0.25 * 0.75 = -0.1875.   row 1: one token: A = 2 - 1 = 1.
  const auto rewards = torch::tensor({{0.0, 1.0}, {2.0, 99.0}}, torch::kFloat64);
  const auto values = torch::tensor({{0.5, 0.25}, {1.0, 99.0}}, torch::kFloat64);
  const auto mask = torch::tensor({{1.0, 1.0}, {1.0, 0.0}}, torch::kFloat64);
  const auto expected = torch::tensor({{-0.1875, 0.75}, {1.0, 0.0}}, torch::kFloat64);
  CHECK(close(gae(rewards, values, mask, 0.5, 0.5), expected));
}

TEST_CASE("gae: golden, padding invariance, and lambda 1 is return minus value", "[rl]") {
  const auto rl = test::golden("rl.json");
  const auto mask = tensor_of(rl["inputs"]["mask"]);
  const auto values = tensor_of(rl["inputs"]["values"]);
  const auto rewards = tensor_of(rl["token_rewards_k1_old_005"]);
  for (const auto& item : rl["gae"]) {
    const auto advantages = gae(rewards, values, mask, item["gamma"], item["lambda"]);
    CHECK(close(advantages, tensor_of(item["advantages"])));
    CHECK(close((advantages + values) * mask, tensor_of(item["returns"])));
    const auto garbage = (1 - mask) * std::numeric_limits<double>::quiet_NaN();
    const auto dirty = torch::where(mask == 0, garbage, values);
    CHECK(close(
        gae(torch::where(mask == 0, garbage, rewards), dirty, mask, item["gamma"], item["lambda"]),
        advantages));
  }
  const auto returns = tensor_of(rl["returns_to_go"]["1.0"]);
  CHECK(close(gae(rewards, values, mask, 1, 1), (returns - values) * mask));
  CHECK(close(gae(rewards, torch::zeros_like(values), mask, 0.9, 1),
              tensor_of(rl["returns_to_go"]["0.9"])));
}

TEST_CASE("explained variance: perfect, useless and harmful values", "[rl]") {
  const auto returns = torch::tensor({{1.0, 2.0}, {3.0, 0.0}}, torch::kFloat64);
  const auto mask = torch::tensor({{1.0, 1.0}, {1.0, 0.0}}, torch::kFloat64);
  CHECK(close(explained_variance(returns, returns, mask), 1));
  CHECK(close(explained_variance(torch::full_like(returns, 2), returns, mask), 0));
  CHECK(close(explained_variance(-returns, returns, mask),
              -3));  // variance of 2 R is 4 times that of R
  CHECK(explained_variance(returns, torch::ones_like(returns), mask) == 0);
}

TEST_CASE("zero-spread groups are counted", "[rl]") {
  CHECK(close(zero_spread_fraction(row({1, 1, 0, 1, 2, 2, 3, 4}), 2), 0.5));
}
