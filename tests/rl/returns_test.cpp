#include "rl/returns.h"

#include <map>

#include "rl/family.h"
#include "rl/group_advantage.h"
#include "rl/kl.h"
#include "tensor/masked.h"

using namespace pgtrain;
using test::close;
using test::tensor_of;

namespace {

at::Tensor row(std::initializer_list<double> values) {
  return torch::tensor(std::vector<double>(values), torch::kFloat64);
}

}  // namespace

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

TEST_CASE("kl-penalised rewards: by hand", "[rl]") {
  // 0.5 of the KL on every counted token, the reward at the last one.
  const auto mask = torch::tensor({{1.0, 1.0}, {1.0, 0.0}, {0.0, 0.0}}, torch::kFloat64);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto kl = torch::tensor({{2.0, -4.0}, {1.0, nan}, {nan, nan}}, torch::kFloat64);
  const auto expected = torch::tensor({{-1.0, 7.0}, {2.5, 0.0}, {0.0, 0.0}}, torch::kFloat64);
  CHECK(close(kl_penalised_rewards(row({5, 3, 9}), kl, mask, 0.5), expected));
  CHECK(close(kl_penalised_rewards(row({5, 3, 9}), kl, mask, 0),
              terminal_rewards(row({5, 3, 9}), mask)));
}

TEST_CASE("discounted returns: by hand", "[rl]") {
  // row 0: 3, 2 + 3/2, 1 + 3.5/2
  const auto rewards = torch::tensor({{1.0, 2.0, 3.0}, {4.0, 99.0, 99.0}}, torch::kFloat64);
  const auto mask = torch::tensor({{1.0, 1.0, 1.0}, {1.0, 0.0, 0.0}}, torch::kFloat64);
  const auto expected = torch::tensor({{2.75, 3.5, 3.0}, {4.0, 0.0, 0.0}}, torch::kFloat64);
  CHECK(close(discounted_returns(rewards, mask, 0.5), expected));
}

TEST_CASE("returns and their advantages: golden", "[rl][parity]") {
  const test::Family family;
  const auto& golden = family["returns"];
  const double coef = golden["kl_coef"];
  const auto rewards = [&](KlEstimator estimator, at::ScalarType type) {
    const auto kl =
        kl_estimate(family.in("old_log_prob", type), family.in("ref_log_prob", type), estimator);
    return kl_penalised_rewards(family.in("reward", type), kl, family.in("mask", type), coef);
  };
  const std::map<std::string, KlEstimator> estimators = {
      {"k1", KlEstimator::kK1}, {"k2", KlEstimator::kK2}, {"k3", KlEstimator::kK3}};
  for (const auto& [name, estimator] : estimators)
    test::check_parity("token rewards " + name, tensor_of(golden["token_rewards"][name]),
                       [&, e = estimator](at::ScalarType type) { return rewards(e, type); });
  for (const auto& [name, gamma] : std::map<std::string, double>{{"1.0", 1}, {"0.95", 0.95}}) {
    test::check_parity("discounted returns " + name, tensor_of(golden["discounted_k1"][name]),
                       [&, g = gamma](at::ScalarType type) {
                         return discounted_returns(rewards(KlEstimator::kK1, type),
                                                   family.in("mask", type), g);
                       });
    for (const bool unbiased : {true, false})
      test::check_parity(
          "reinforce++ " + name,
          tensor_of(golden["reinforce_pp_k1"][name + (unbiased ? "/unbiased" : "/biased")]),
          [&, g = gamma](at::ScalarType type) {
            return reinforce_pp_advantage(rewards(KlEstimator::kK1, type), family.in("mask", type),
                                          g, unbiased);
          });
  }
  for (const bool unbiased : {true, false})
    test::check_parity("reinforce++ baseline",
                       tensor_of(golden["reinforce_pp_baseline"][unbiased ? "unbiased" : "biased"]),
                       [&](at::ScalarType type) {
                         return reinforce_pp_baseline_advantage(family.in("reward", type),
                                                                family.group_size(),
                                                                family.in("mask", type), unbiased);
                       });
  test::check_parity("gae", tensor_of(golden["gae_k1"]["advantages"]), [&](at::ScalarType type) {
    return gae(rewards(KlEstimator::kK1, type), family.in("values", type), family.in("mask", type),
               golden["gae_k1"]["gamma"], golden["gae_k1"]["lambda"]);
  });
}

TEST_CASE("reinforce++: mean 0 and variance 1 over the tokens; padding and order do not matter",
          "[rl]") {
  torch::manual_seed(8);
  const auto mask = torch::tensor(
      {{1.0, 1.0, 1.0}, {1.0, 0.0, 0.0}, {0.0, 0.0, 0.0}, {1.0, 1.0, 0.0}}, torch::kFloat64);
  const auto rewards = torch::randn({4, 3}, torch::kFloat64);
  const auto a = reinforce_pp_advantage(rewards, mask, 0.9);
  CHECK(close(masked_mean(a, mask).item<double>(), 0));
  CHECK(close(masked_variance(a, mask, true).item<double>(), 1, 1e-6));  // epsilon 1e-8 in the root
  const auto wide = [](const at::Tensor& t) { return torch::constant_pad_nd(t, {0, 2}); };
  CHECK(close(reinforce_pp_advantage(wide(rewards), wide(mask), 0.9), wide(a)));
  const auto order = torch::tensor({2, 0, 3, 1}, torch::kInt64);
  const auto pick = [&](const at::Tensor& t) { return t.index_select(0, order); };
  CHECK(close(reinforce_pp_advantage(pick(rewards), pick(mask), 0.9), pick(a)));
  // Equal rewards within each prompt teach nothing in the baseline form.
  CHECK(close(reinforce_pp_baseline_advantage(row({0.3, 0.3, 0.7, 0.7}), 2, mask),
              torch::zeros({4, 3}, torch::kFloat64)));
}
