#include "rl/kl.h"

#include <limits>
#include <map>

#include "core/error.h"
#include "rl/family.h"

using namespace pgtrain;
using test::close;
using test::tensor_of;

namespace {

const std::map<std::string, KlEstimator> kEstimators = {
    {"k1", KlEstimator::kK1}, {"k2", KlEstimator::kK2}, {"k3", KlEstimator::kK3}};

// A policy over five tokens and a reference, with everything in closed form.
struct Categorical {
  at::Tensor logits = torch::tensor({0.2, -0.5, 1.1, 0.0, -1.3}, torch::kFloat64);
  at::Tensor reference =
      torch::log_softmax(torch::tensor({0.7, 0.1, -0.4, 0.3, 0.0}, torch::kFloat64), 0);

  Categorical() { logits.requires_grad_(true); }
  at::Tensor log_prob() const { return torch::log_softmax(logits, 0); }
  at::Tensor prob() const { return log_prob().detach().exp(); }
  at::Tensor kl() const { return (log_prob().exp() * (log_prob() - reference)).sum(); }
  at::Tensor gradient(const at::Tensor& scalar) {
    logits.mutable_grad() = at::Tensor();
    scalar.backward();
    return logits.grad().clone();
  }
};

}  // namespace

TEST_CASE("kl estimators: by hand", "[rl]") {
  // d = log 2 - log 1 = 0.6931: k1 = d, k2 = d^2 / 2, k3 = 1/2 + d - 1
  const double d = std::log(2.0);
  const auto log_prob = torch::tensor({d, 0.0}, torch::kFloat64);
  const auto reference = torch::tensor({0.0, 0.0}, torch::kFloat64);
  const auto expect = [&](KlEstimator estimator, double value) {
    CHECK(close(kl_estimate(log_prob, reference, estimator),
                torch::tensor({value, 0.0}, torch::kFloat64)));
  };
  expect(KlEstimator::kK1, d);
  expect(KlEstimator::kK2, d * d / 2);
  expect(KlEstimator::kK3, d - 0.5);
  CHECK_THROWS_AS(kl_estimate(log_prob, reference.unsqueeze(0), KlEstimator::kK1), InternalError);
}

TEST_CASE("kl estimators: golden values, sequence sums and gradients", "[rl][parity]") {
  const test::Family family;
  for (const auto& [name, estimator] : kEstimators) {
    const auto tokens = [&, e = estimator](at::ScalarType type) {
      return kl_estimate(family.in("log_prob", type), family.in("ref_log_prob", type), e);
    };
    const auto& expected = family["kl"][name];
    test::check_parity(name, tensor_of(expected["tokens"]),
                       [&](at::ScalarType type) { return tokens(type) * family.in("mask", type); });
    test::check_parity(
        name + " sum", tensor_of(expected["sequence_sum"]),
        [&](at::ScalarType type) { return sequence_sum(tokens(type), family.in("mask", type)); });
    const std::string loss = "kl_" + name + "/token_mean";
    test::check_loss_parity(
        family, loss, [&, e = estimator](const at::Tensor& log_prob, at::ScalarType type) {
          return weighted_sum(kl_estimate(log_prob, family.in("ref_log_prob", type), e),
                              test::family_weights(family, loss, type));
        });
  }
}

TEST_CASE("kl estimators: k1 and k3 have the KL divergence as their mean", "[rl]") {
  const Categorical c;
  const auto mean = [&](KlEstimator estimator) {
    return (c.prob() * kl_estimate(c.log_prob(), c.reference, estimator)).sum().item<double>();
  };
  CHECK(close(mean(KlEstimator::kK1), c.kl().item<double>()));
  CHECK(close(mean(KlEstimator::kK3), c.kl().item<double>()));
}

TEST_CASE("kl estimators: which of them has the gradient of the KL divergence on average", "[rl]") {
  Categorical c;
  const auto truth = c.gradient(c.kl());
  const auto in_loss = [&](KlEstimator estimator) {
    return c.gradient((c.prob() * kl_estimate(c.log_prob(), c.reference, estimator)).sum());
  };
  CHECK(close(in_loss(KlEstimator::kK1), torch::zeros_like(truth)));
  CHECK(close(in_loss(KlEstimator::kK2), truth));
  // k3's is the gradient of KL(reference || policy).
  CHECK(close(in_loss(KlEstimator::kK3),
              c.gradient((c.reference.exp() * (c.reference - c.log_prob())).sum())));
  // In the reward: minus k1 as the reward of REINFORCE.
  const auto penalty = kl_estimate(c.log_prob().detach(), c.reference, KlEstimator::kK1);
  CHECK(close(c.gradient((c.prob() * reinforce_loss(c.log_prob(), -penalty)).sum()), truth));
}

TEST_CASE("kl estimators: k2 and k3 are never negative, and 0 only where the policies agree",
          "[rl]") {
  torch::manual_seed(9);
  const auto d = torch::cat({torch::randn({1000}, torch::kFloat64),
                             1e-7 * torch::randn({1000}, torch::kFloat64),
                             torch::tensor({-1e3, 1e3, 0.0}, torch::kFloat64)});
  for (const auto estimator : {KlEstimator::kK2, KlEstimator::kK3}) {
    for (const auto type : {torch::kFloat64, torch::kFloat32}) {
      const auto kl = kl_estimate(d.to(type), torch::zeros_like(d, type), estimator);
      CHECK(kl.min().item<double>() >= 0);
      CHECK(kl.isfinite().all().item<bool>());
      CHECK(kl[-1].item<double>() == 0);
    }
  }
}

TEST_CASE("kl estimators: gradient against central differences; the reference is detached",
          "[rl]") {
  torch::manual_seed(10);
  for (const auto& [name, estimator] : kEstimators) {
    INFO(name);
    auto log_prob = torch::randn({3, 2}, torch::kFloat64).requires_grad_(true);
    auto reference = torch::randn({3, 2}, torch::kFloat64).requires_grad_(true);
    const auto loss = [&, e = estimator] {
      return (kl_estimate(log_prob, reference, e) * torch::arange(1, 7).view({3, 2})).sum();
    };
    loss().backward();
    CHECK(!reference.grad().defined());
    const auto numeric =
        test::numeric_gradient(log_prob.detach(), [&] { return loss().item<double>(); });
    CHECK(close(log_prob.grad(), numeric, test::kToleranceGradient));
  }
}

TEST_CASE("kl controller: by hand and golden", "[rl]") {
  KlController fixed(0.1);
  fixed.update(100, 64);
  CHECK(fixed.coef() == 0.1);
  CHECK(!fixed.adaptive());
  // error = clamp(9 / 6 - 1, +-0.2) = 0.2; 0.5 (1 + 0.2 * 100 / 1000) = 0.51
  KlController adaptive(0.5, 6, 1000);
  adaptive.update(9, 100);
  CHECK(close(adaptive.coef(), 0.51));
  // error = 5.7 / 6 - 1 = -0.05; 0.51 (1 - 0.05 * 100 / 1000)
  adaptive.update(5.7, 100);
  CHECK(close(adaptive.coef(), 0.51 * 0.995));
  const auto family = test::golden("rl_family.json");
  const auto old = test::golden("rl.json");
  const auto& item = family["controllers"]["kl"];
  KlController controller(item["coef"], item["target"], item["horizon"]);
  for (const auto& step : item["trace"]) {
    controller.update(step[0], item["n"]);
    CHECK(close(controller.coef(), step[1].get<double>()));
  }
  const auto& older = old["adaptive_kl"];
  KlController second(older["start"], older["target"], older["horizon"]);
  for (const auto& step : older["trace"]) {
    second.update(step["kl"], older["n_steps"]);
    CHECK(close(second.coef(), step["coef_after"].get<double>()));
  }
}

TEST_CASE("kl controller: at the target it rests; restored it goes on; a broken KL is ignored",
          "[rl]") {
  KlController controller(0.3, 2, 100);
  controller.update(2, 32);
  CHECK(controller.coef() == 0.3);
  controller.update(std::numeric_limits<double>::quiet_NaN(), 32);
  controller.update(std::numeric_limits<double>::infinity(), 32);
  CHECK(controller.coef() == 0.3);
  controller.update(5, 32);
  KlController other(0.3, 2, 100);
  other.restore(controller.coef());
  for (auto* c : {&controller, &other}) c->update(1.9, 32);
  CHECK(controller.coef() == other.coef());
  CHECK_THROWS_AS(KlController(0.1, 0, 100), InternalError);
  CHECK_THROWS_AS(KlController(-0.1), InternalError);
}

TEST_CASE("kl controller: more completions than the horizon never turn its sign", "[rl]") {
  KlController control(0.05, 6, 10);
  for (int i = 0; i < 50; ++i) control.update(0, 1000);  // 0.8 of it each time
  CHECK(control.coef() > 0);
  CHECK(close(control.coef(), 0.05 * std::pow(0.8, 50)));
}

TEST_CASE("early stop: above one and a half times the target", "[rl]") {
  CHECK(!exceeds_target_kl(0.015, 0.01));
  CHECK(exceeds_target_kl(0.0151, 0.01));
  CHECK(!exceeds_target_kl(100, 0));  // off
  CHECK(!exceeds_target_kl(std::numeric_limits<double>::quiet_NaN(), 0.01));
}
