// A softmax bandit: every quantity of the policy gradient is known in closed form.
#include "core/rng.h"
#include "rl/advantage.h"
#include "rl/group_advantage.h"
#include "rl/loss.h"
#include "support/tensors.h"

using namespace pgtrain;
using test::close;

namespace {

const std::vector<double> kRewards = {0.1, 0.9, 0.4, 0.6};

at::Tensor arm_rewards() { return torch::tensor(kRewards, torch::kFloat64); }

// d/d theta_k of J = sum_a p_a r_a is p_k (r_k - J).
at::Tensor true_gradient(const at::Tensor& theta) {
  const auto p = torch::softmax(theta.detach(), 0);
  return p * (arm_rewards() - (p * arm_rewards()).sum());
}

}  // namespace

TEST_CASE(
    "bandit: the expected REINFORCE gradient is the gradient of J, with and without a baseline",
    "[rl]") {
  torch::manual_seed(7);
  for (const double baseline : {0.0, 0.5, -3.0}) {
    auto theta = torch::randn({4}, torch::kFloat64).requires_grad_(true);
    // The expectation, exactly: every arm once, weighted with its probability.
    const auto log_p = torch::log_softmax(theta, 0);
    const auto weights = torch::softmax(theta.detach(), 0);
    weighted_sum(reinforce_loss(log_p, arm_rewards() - baseline), weights).backward();
    CHECK(close(-theta.grad(), true_gradient(theta)));
  }
}

TEST_CASE("bandit: expected gradients of the group baselines over all pairs of draws", "[rl]") {
  auto theta = torch::tensor({0.3, -0.2, 0.5, 0.0}, torch::kFloat64).requires_grad_(true);
  const auto p = torch::softmax(theta.detach(), 0);
  // Minus the gradient of the expectation of the mean loss of a pair.
  const auto expected_gradient = [&](const auto& advantage_of) {
    theta.mutable_grad() = at::Tensor();
    for (int64_t a = 0; a < 4; ++a)
      for (int64_t b = 0; b < 4; ++b) {
        const auto arms = torch::tensor({a, b}, torch::kInt64);
        const auto advantage = advantage_of(arm_rewards().index_select(0, arms));
        const auto log_p = torch::log_softmax(theta, 0).index_select(0, arms);
        (p[a] * p[b] * reinforce_loss(log_p, advantage).mean()).backward();
      }
    return at::Tensor(-theta.grad());
  };
  const auto truth = true_gradient(theta);
  CHECK(close(expected_gradient([](const at::Tensor& r) { return leave_one_out_advantage(r, 2); }),
              truth));
  // The greedy arm is a constant of the policy: unbiased. The group's own mean: (n - 1) / n of it.
  const auto greedy = arm_rewards().narrow(0, 2, 1);
  CHECK(
      close(expected_gradient([&](const at::Tensor& r) { return greedy_advantage(r, greedy, 2); }),
            truth));
  CHECK(close(expected_gradient([](const at::Tensor& r) { return group_mean_advantage(r, 2); }),
              truth / 2));
  // Pass at k: the gradient of E[max of a pair], by autograd. The loss above is the mean of two.
  const auto at_best =
      expected_gradient([](const at::Tensor& r) { return pass_at_k_advantage(r, 2); });
  const auto q = torch::softmax(theta, 0);
  const auto best = torch::maximum(arm_rewards().unsqueeze(0), arm_rewards().unsqueeze(1));
  theta.mutable_grad() = at::Tensor();
  (q.unsqueeze(0) * q.unsqueeze(1) * best).sum().backward();
  CHECK(close(2 * at_best, theta.grad()));
}

TEST_CASE("bandit: sampled updates reach the best arm; a zeroed advantage does not move",
          "[rl][slow]") {
  const Rng rng(11, Purpose::kSample);
  for (const double scale : {1.0, 0.0}) {
    auto theta = torch::zeros({4}, torch::kFloat64).requires_grad_(true);
    for (uint64_t step = 0; step < 400; ++step) {
      const auto p = torch::softmax(theta.detach(), 0);
      std::vector<int64_t> arms;
      for (uint32_t i = 0; i < 16; ++i) {
        double u = rng.uniform(step, i);
        int64_t arm = 0;
        while (arm < 3 && u >= p[arm].item<double>()) u -= p[arm++].item<double>();
        arms.push_back(arm);
      }
      const auto index = torch::tensor(arms, torch::kInt64);
      const auto advantage =
          scale * leave_one_out_advantage(arm_rewards().index_select(0, index), 16);
      theta.mutable_grad() = at::Tensor();
      reinforce_loss(torch::log_softmax(theta, 0).index_select(0, index), advantage)
          .mean()
          .backward();
      const torch::NoGradGuard guard;
      theta -= 0.5 * theta.grad();
    }
    const double best = torch::softmax(theta.detach(), 0)[1].item<double>();
    if (scale == 0)
      CHECK(best == Approx(0.25));
    else
      CHECK(best > 0.95);
  }
}
