#include "rl/loss.h"

#include <map>

#include "core/error.h"
#include "rl/family.h"

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

TEST_CASE("clipped value loss: by hand", "[rl]") {
  // V, V_old, R, clipped V at +-0.2:  (1, 0, 2): 0.2, max(1, 3.24);  (0.1, 0, 2): 0.1, both 3.61;
  // (1, 0, 0.9): 0.2, max(0.01, 0.49);  (-1, 0, 2): -0.2, max(9, 4.84)
  auto values = torch::tensor({1.0, 0.1, 1.0, -1.0}, torch::kFloat64).requires_grad_(true);
  auto old = torch::zeros({4}, torch::kFloat64).requires_grad_(true);
  const auto returns = torch::tensor({2.0, 2.0, 0.9, 2.0}, torch::kFloat64);
  const auto loss = clipped_value_loss(values, old, returns, 0.2);
  CHECK(close(2 * loss, torch::tensor({3.24, 3.61, 0.49, 9.0}, torch::kFloat64)));
  loss.sum().backward();
  // Where the clipped value is the worse one it does not move.
  CHECK(close(values.grad(), torch::tensor({0.0, -1.9, 0.0, -3.0}, torch::kFloat64)));
  CHECK(!old.grad().defined());
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(close(clipped_value_loss(values, old, returns, infinity), value_loss(values, returns)));
  CHECK_THROWS_AS(clipped_value_loss(values, old, returns, 0), InternalError);
}

TEST_CASE("clipped value loss: golden value and gradient", "[rl][parity]") {
  const test::Family family;
  const auto& expected = family["value_loss"];
  const auto loss = [&](const at::Tensor& values, at::ScalarType type) {
    const auto each =
        clipped_value_loss(values, family.in("old_values", type),
                           tensor_of(expected["returns"]).to(type), expected["clip_range"]);
    return weighted_sum(each, token_weights(family.in("mask", type), Aggregation::kTokenMean));
  };
  test::check_parity("value loss", torch::tensor(expected["loss"].get<double>(), torch::kFloat64),
                     [&](at::ScalarType type) { return loss(family.in("values", type), type); });
  test::check_parity("value loss gradient", tensor_of(expected["grad"]), [&](at::ScalarType type) {
    auto values = family.in("values", type).requires_grad_(true);
    loss(values, type).backward();
    return values.grad();
  });
  auto values = family.in("values").requires_grad_(true);
  loss(values, torch::kFloat64).backward();
  const auto numeric = test::numeric_gradient(
      values.detach(), [&] { return loss(values, torch::kFloat64).item<double>(); });
  CHECK(close(values.grad(), numeric, test::kToleranceGradient));
}

TEST_CASE("sequence sum and mean: by hand; padding never matters", "[rl]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  auto x = torch::tensor({{1.0, 2.0, 6.0}, {4.0, nan, nan}, {nan, nan, nan}}, torch::kFloat64)
               .requires_grad_(true);
  const auto mask =
      torch::tensor({{1.0, 1.0, 1.0}, {1.0, 0.0, 0.0}, {0.0, 0.0, 0.0}}, torch::kFloat64);
  CHECK(close(sequence_sum(x, mask), torch::tensor({9.0, 4.0, 0.0}, torch::kFloat64)));
  CHECK(close(sequence_mean(x, mask), torch::tensor({3.0, 4.0, 0.0}, torch::kFloat64)));
  sequence_mean(x, mask).sum().backward();
  CHECK(close(x.grad(), mask / mask.sum(1, true).clamp_min(1)));
}
