#include "rl/loss.h"

#include <map>

#include "core/error.h"
#include "support/tensors.h"

using namespace pgtrain;
using test::close;
using test::tensor_of;

namespace {

const std::map<std::string, Aggregation> kAggregations = {
    {"token_mean", Aggregation::kTokenMean},
    {"sequence_mean_token_mean", Aggregation::kSequenceMeanTokenMean},
    {"sequence_mean_token_sum", Aggregation::kSequenceMeanTokenSum},
    {"fixed_normaliser", Aggregation::kFixedNormaliser}};

}  // namespace

TEST_CASE("token weights: by hand", "[rl]") {
  const auto mask = torch::tensor({{1.0, 1.0, 1.0}, {1.0, 0.0, 0.0}}, torch::kFloat64);
  const auto expect = [&](Aggregation how, double first, double second) {
    const auto expected =
        torch::tensor({{first, first, first}, {second, 0.0, 0.0}}, torch::kFloat64);
    CHECK(close(token_weights(mask, how, 16), expected));
  };
  expect(Aggregation::kTokenMean, 0.25, 0.25);
  expect(Aggregation::kSequenceMeanTokenMean, 1.0 / 6, 0.5);
  expect(Aggregation::kSequenceMeanTokenSum, 0.5, 0.5);
  expect(Aggregation::kFixedNormaliser, 1.0 / 32, 1.0 / 32);
  CHECK_THROWS_AS(token_weights(mask, Aggregation::kFixedNormaliser, 0), InternalError);
  const auto empty = torch::zeros({2, 3}, torch::kFloat64);
  for (const auto& [name, how] : kAggregations) CHECK(close(token_weights(empty, how), empty));
}

TEST_CASE("reinforce: golden values and gradients for every aggregation", "[rl]") {
  const auto rl = test::golden("rl.json");
  const auto mask = tensor_of(rl["inputs"]["mask"]);
  const auto advantage = tensor_of(rl["advantages"]["rloo"]).unsqueeze(1).expand_as(mask);
  const double normaliser =
      rl["inputs"]["fixed_normaliser"].get<double>() / static_cast<double>(mask.size(0));
  for (const auto& [name, how] : kAggregations) {
    INFO(name);
    auto log_prob = tensor_of(rl["inputs"]["log_prob"]).requires_grad_(true);
    const auto loss =
        weighted_sum(reinforce_loss(log_prob, advantage), token_weights(mask, how, normaliser));
    loss.backward();
    const auto& expected = rl["losses"]["reinforce/" + name];
    CHECK(close(loss.item<double>(), expected["loss"].get<double>()));
    CHECK(close(log_prob.grad(), tensor_of(expected["grad"])));
  }
}

TEST_CASE("reinforce: gradient against central differences through a softmax policy", "[rl]") {
  torch::manual_seed(5);
  auto logits = torch::randn({6, 4}, torch::kFloat64).requires_grad_(true);
  const auto actions = torch::tensor({0, 3, 1, 2, 2, 0}, torch::kInt64).unsqueeze(1);
  const auto advantage = torch::randn({6, 1}, torch::kFloat64);
  const auto weights =
      token_weights(torch::ones({6, 1}, torch::kFloat64), Aggregation::kSequenceMeanTokenSum);
  const auto loss = [&] {
    return weighted_sum(reinforce_loss(torch::log_softmax(logits, 1).gather(1, actions), advantage),
                        weights);
  };
  loss().backward();
  const auto numeric =
      test::numeric_gradient(logits.detach(), [&] { return loss().item<double>(); });
  CHECK(close(logits.grad(), numeric, test::kToleranceGradient));
}

TEST_CASE("reinforce: the advantage is detached, a zero advantage gives a zero gradient", "[rl]") {
  auto log_prob = torch::randn({3, 2}, torch::kFloat64).requires_grad_(true);
  auto advantage = torch::randn({3, 2}, torch::kFloat64).requires_grad_(true);
  reinforce_loss(log_prob, advantage).sum().backward();
  CHECK(!advantage.grad().defined());
  CHECK(close(log_prob.grad(), -advantage));
  log_prob.mutable_grad() = at::Tensor();
  reinforce_loss(log_prob, torch::zeros_like(advantage)).sum().backward();
  CHECK(log_prob.grad().abs().max().item<double>() == 0);
}

TEST_CASE("weighted sum: padding never matters and any split of the batch gives the same sum",
          "[rl]") {
  torch::manual_seed(6);
  const auto mask = (torch::rand({9, 5}, torch::kFloat64) > 0.4).to(torch::kFloat64);
  const auto x = torch::randn({9, 5}, torch::kFloat64);
  const auto dirty =
      torch::where(mask == 0, torch::full_like(x, std::numeric_limits<double>::quiet_NaN()), x);
  for (const auto& [name, how] : kAggregations) {
    const auto weights = token_weights(mask, how, 7);
    const double whole = weighted_sum(x, weights).item<double>();
    CHECK(close(weighted_sum(dirty, weights).item<double>(), whole));
    for (const int64_t cut : {1, 4, 8}) {
      const double parts =
          weighted_sum(x.narrow(0, 0, cut), weights.narrow(0, 0, cut)).item<double>() +
          weighted_sum(x.narrow(0, cut, 9 - cut), weights.narrow(0, cut, 9 - cut)).item<double>();
      CHECK(close(parts, whole));
    }
    const auto wide = [](const at::Tensor& t) { return torch::constant_pad_nd(t, {0, 3}); };
    CHECK(close(weighted_sum(wide(x), token_weights(wide(mask), how, 7)).item<double>(), whole));
  }
}

TEST_CASE("value loss: by hand, gradient V - R, returns detached", "[rl]") {
  auto values = torch::tensor({1.0, 2.0}, torch::kFloat64).requires_grad_(true);
  auto returns = torch::tensor({3.0, 2.5}, torch::kFloat64).requires_grad_(true);
  const auto loss = value_loss(values, returns);
  CHECK(close(loss, torch::tensor({2.0, 0.125}, torch::kFloat64)));
  loss.sum().backward();
  CHECK(close(values.grad(), torch::tensor({-2.0, -0.5}, torch::kFloat64)));
  CHECK(!returns.grad().defined());
}
