#include "rl/minimum_risk.h"

#include <cmath>

#include "core/error.h"
#include "rl/family.h"
#include "rl/group_advantage.h"

using namespace pgtrain;
using test::close;
using test::tensor_of;

TEST_CASE("minimum risk: by hand", "[rl]") {
  // p = (1/4, 1/8): with alpha = 1 Q = (2/3, 1/3), E r = (2 * 1 + 4) / 3 = 2
  const auto log_probs =
      torch::tensor({-2 * std::log(2.0), -3 * std::log(2.0)}, torch::kFloat64).requires_grad_(true);
  const auto rewards = torch::tensor({1.0, 4.0}, torch::kFloat64);
  const auto risk = minimum_risk_loss(log_probs, rewards, 2, 1);
  CHECK(close(risk.item<double>(), -2));
  risk.backward();
  // -Q_i (r_i - 2) = 2/3, -2/3
  const auto gradient = torch::tensor({2.0, -2.0}, torch::kFloat64) / 3;
  CHECK(close(log_probs.grad(), gradient));
  CHECK(close(minimum_risk_advantage(log_probs, rewards, 2, 1), -2 * gradient));
  CHECK_THROWS_AS(minimum_risk_loss(log_probs, rewards, 1, 1), InternalError);
  CHECK_THROWS_AS(minimum_risk_loss(log_probs, rewards, 2, 0), InternalError);
}

TEST_CASE("minimum risk: golden value, gradient and advantage", "[rl][parity]") {
  const test::Family family;
  const int64_t n = family.group_size();
  for (const auto& item : family["minimum_risk"]) {
    const double alpha = item["alpha"];
    const std::string name = "minimum risk " + std::to_string(alpha);
    const auto log_probs = [&](at::ScalarType type) {
      return sequence_sum(family.in("log_prob", type), family.in("mask", type));
    };
    test::check_parity(name + " log-probabilities", tensor_of(item["sequence_log_probs"]),
                       log_probs);
    // The golden's cost is 1 - r.
    test::check_parity(name, torch::tensor(item["loss"].get<double>() - 1, torch::kFloat64),
                       [&](at::ScalarType type) {
                         return minimum_risk_loss(log_probs(type), family.in("reward", type), n,
                                                  alpha);
                       });
    test::check_parity(name + " gradient", tensor_of(item["grad"]), [&](at::ScalarType type) {
      auto x = log_probs(type).requires_grad_(true);
      minimum_risk_loss(x, family.in("reward", type), n, alpha).backward();
      return x.grad();
    });
    test::check_parity(
        name + " advantage", tensor_of(item["advantages"]), [&](at::ScalarType type) {
          return minimum_risk_advantage(log_probs(type), family.in("reward", type), n, alpha);
        });
  }
}

TEST_CASE("minimum risk: the advantage form has the gradient of the risk, in any split", "[rl]") {
  torch::manual_seed(17);
  const auto mask = torch::tensor(
      {{1.0, 1.0, 1.0}, {1.0, 0.0, 0.0}, {1.0, 1.0, 0.0}, {0.0, 0.0, 0.0}}, torch::kFloat64);
  const auto rewards = torch::rand({4}, torch::kFloat64);
  auto x = (-torch::rand({4, 3}, torch::kFloat64)).requires_grad_(true);
  minimum_risk_loss(sequence_sum(x, mask), rewards, 2, 0.7).backward();
  const auto expected = x.grad().clone();
  x.mutable_grad() = at::Tensor();
  const auto advantage = minimum_risk_advantage(sequence_sum(x, mask), rewards, 2, 0.7);
  CHECK(!advantage.requires_grad());
  const auto weights = token_weights(mask, Aggregation::kSequenceMeanTokenSum);
  const auto tokens = advantage.unsqueeze(1).expand_as(mask);
  for (int64_t row = 0; row < 4; ++row)
    weighted_sum(reinforce_loss(x.narrow(0, row, 1), tokens.narrow(0, row, 1)),
                 weights.narrow(0, row, 1))
        .backward();
  CHECK(close(x.grad(), expected));
}

TEST_CASE("minimum risk: gradient against central differences", "[rl]") {
  torch::manual_seed(18);
  auto log_probs = (-3 * torch::rand({6}, torch::kFloat64)).requires_grad_(true);
  const auto rewards = torch::rand({6}, torch::kFloat64);
  const auto risk = [&] { return minimum_risk_loss(log_probs, rewards, 3, 0.4); };
  risk().backward();
  const auto numeric =
      test::numeric_gradient(log_probs.detach(), [&] { return risk().item<double>(); });
  CHECK(close(log_probs.grad(), numeric, test::kToleranceGradient));
}

TEST_CASE("minimum risk: laws", "[rl]") {
  torch::manual_seed(19);
  const auto log_probs =
      -300 * torch::rand({6}, torch::kFloat64) - 300;  // far below what exp holds
  const auto rewards = torch::rand({6}, torch::kFloat64);
  const auto a = minimum_risk_advantage(log_probs, rewards, 3, 0.05);
  CHECK(close(a.view({-1, 3}).sum(1), torch::zeros({2}, torch::kFloat64)));
  CHECK(close(minimum_risk_advantage(log_probs, rewards + 3, 3, 0.05), a));
  CHECK(close(minimum_risk_advantage(log_probs - 100, rewards, 3, 0.05), a));
  CHECK(close(minimum_risk_advantage(log_probs, torch::full_like(rewards, 0.3), 3, 0.05),
              torch::zeros({6}, torch::kFloat64)));
  // A flat Q: alpha times the group-mean advantage.
  CHECK(close(minimum_risk_advantage(log_probs, rewards, 3, 1e-9) / 1e-9,
              group_mean_advantage(rewards, 3), 1e-6));
  const auto in_float =
      minimum_risk_advantage(log_probs.to(torch::kFloat32), rewards.to(torch::kFloat32), 3, 0.05);
  CHECK(close(in_float, a, 1e-4));  // log-probabilities of -600 have 5 digits behind the point
}
