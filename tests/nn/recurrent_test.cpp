// The reference is torch::nn::GRU and torch::nn::LSTM, an implementation that shares no code with
// ours.
#include "nn/recurrent.h"

#include "core/error.h"
#include "support/tensors.h"

using namespace pgtrain;
using test::close;

namespace {

RecurrentWeights random_weights(CellKind kind, int64_t inputs, int64_t hidden,
                                at::ScalarType type) {
  const int64_t rows = gate_count(kind) * hidden;
  RecurrentWeights weights{torch::randn({rows, inputs}, type) * 0.5,
                           torch::randn({rows, hidden}, type) * 0.5, torch::randn({rows}, type),
                           torch::randn({rows}, type)};
  for (auto* tensor :
       {&weights.input, &weights.recurrent, &weights.input_bias, &weights.recurrent_bias})
    *tensor = tensor->detach().requires_grad_(true);
  return weights;
}

std::vector<at::Tensor> list(const RecurrentWeights& w) {
  return {w.input, w.recurrent, w.input_bias, w.recurrent_bias};
}

// The states of one sequence x [time, inputs] by torch's own layer with copies of the weights;
// gradients flow into `copies`.
template <class Module, class Options>
struct Reference {
  Module module;
  explicit Reference(const RecurrentWeights& weights)
      : module(Options(weights.input.size(1), weights.recurrent.size(1)).batch_first(true)) {
    module->to(weights.input.scalar_type());
    const auto parameters = module->parameters();
    const auto ours = list(weights);
    for (size_t i = 0; i < ours.size(); ++i) parameters[i].data().copy_(ours[i].detach());
  }
  at::Tensor states(const at::Tensor& x) {
    return std::get<0>(module->forward(x.unsqueeze(0))).squeeze(0);
  }
};

template <class Module, class Options>
void compare_with_torch(CellKind kind, at::ScalarType type, double tolerance) {
  torch::manual_seed(8);
  const auto weights = random_weights(kind, 3, 5, type);
  Reference<Module, Options> reference(weights);
  // Lengths 4, 2, 1, packed: step 0 has 3 rows, step 1 two, steps 2 and 3 one.
  const std::vector<int64_t> batch_sizes = {3, 2, 1, 1};
  const std::vector<std::vector<int64_t>> rows = {{0, 3, 5, 6}, {1, 4}, {2}};
  auto x = torch::randn({7, 3}, type).requires_grad_(true);
  auto x_reference = x.detach().clone().requires_grad_(true);
  const auto h = recurrent_layer(kind, x, weights, batch_sizes);
  const auto weight_of_state = torch::randn({7, 5}, type);
  (h * weight_of_state).sum().backward();
  at::Tensor loss = torch::zeros({}, type);
  for (const auto& row : rows) {
    const auto index = torch::tensor(row, torch::kInt64);
    const auto expected = reference.states(x_reference.index_select(0, index));
    CHECK(close(h.index_select(0, index), expected, tolerance));
    loss = loss + (expected * weight_of_state.index_select(0, index)).sum();
  }
  loss.backward();
  CHECK(close(x.grad(), x_reference.grad(), tolerance));
  const auto ours = list(weights);
  for (size_t i = 0; i < ours.size(); ++i)
    CHECK(close(ours[i].grad(), reference.module->parameters()[i].grad(), tolerance));
}

}  // namespace

TEST_CASE("recurrent layer: GRU states and all gradients equal torch::nn::GRU on a ragged batch",
          "[nn]") {
  compare_with_torch<torch::nn::GRU, torch::nn::GRUOptions>(CellKind::kGru, torch::kFloat64,
                                                            test::kTolerance64);
  compare_with_torch<torch::nn::GRU, torch::nn::GRUOptions>(CellKind::kGru, torch::kFloat32,
                                                            test::kTolerance32);
}

TEST_CASE("recurrent layer: LSTM states and all gradients equal torch::nn::LSTM on a ragged batch",
          "[nn]") {
  compare_with_torch<torch::nn::LSTM, torch::nn::LSTMOptions>(CellKind::kLstm, torch::kFloat64,
                                                              test::kTolerance64);
  compare_with_torch<torch::nn::LSTM, torch::nn::LSTMOptions>(CellKind::kLstm, torch::kFloat32,
                                                              test::kTolerance32);
}

TEST_CASE("recurrent layer: gradients against central differences", "[nn]") {
  for (const CellKind kind : {CellKind::kGru, CellKind::kLstm}) {
    torch::manual_seed(9);
    const auto weights = random_weights(kind, 2, 3, torch::kFloat64);
    auto x = torch::randn({5, 2}, torch::kFloat64).requires_grad_(true);
    const auto w = torch::randn({5, 3}, torch::kFloat64);
    const auto loss = [&] { return (recurrent_layer(kind, x, weights, {2, 2, 1}) * w).sum(); };
    loss().backward();
    auto leaves = list(weights);
    leaves.push_back(x);
    for (const auto& leaf : leaves) {
      const auto numeric =
          test::numeric_gradient(leaf.detach(), [&] { return loss().item<double>(); });
      CHECK(close(leaf.grad(), numeric, test::kToleranceGradient));
    }
  }
}

TEST_CASE(
    "recurrent layer: rows that go on from one row have the states and gradients of whole "
    "sequences",
    "[nn]") {
  for (const CellKind kind : {CellKind::kGru, CellKind::kLstm}) {
    torch::manual_seed(12);
    const auto weights = random_weights(kind, 2, 3, torch::kFloat64);
    // Steps of 2, 2, 4, 2 and 4 rows: two beginnings, three rows go on from the first of them and
    // one from the second; two end, then each of the others parts in two.
    const auto index = [](std::vector<int64_t> rows) { return at::tensor(rows, at::kLong); };
    const std::vector<int64_t> sizes = {2, 2, 4, 2, 4};
    const std::vector<at::Tensor> parents = {{}, {}, index({0, 1, 0, 0}), {}, index({0, 1, 1, 0})};
    auto x = torch::randn({14, 2}, torch::kFloat64).requires_grad_(true);
    const auto h = recurrent_layer(kind, x, weights, sizes, parents);
    // The rows of the six whole sequences.
    const std::vector<std::vector<int64_t>> texts = {{0, 2, 4, 8, 10}, {1, 3, 5, 9, 11},
                                                     {1, 3, 5, 9, 12}, {0, 2, 4, 8, 13},
                                                     {0, 2, 6},        {0, 2, 7}};
    at::Tensor together = torch::zeros({}, torch::kFloat64), apart = together;
    for (const auto& text : texts) {
      const auto rows = index(text);
      const auto alone = recurrent_layer(kind, x.index_select(0, rows), weights,
                                         std::vector<int64_t>(text.size(), 1));
      CHECK(close(h.index_select(0, rows), alone));
      const auto w = torch::randn_like(alone);
      together = together + (h.index_select(0, rows) * w).sum();
      apart = apart + (alone * w).sum();
    }
    auto leaves = list(weights);
    leaves.push_back(x);
    const auto gradients = torch::autograd::grad({together}, leaves);
    const auto expected = torch::autograd::grad({apart}, leaves);
    for (size_t i = 0; i < leaves.size(); ++i) CHECK(close(gradients[i], expected[i]));
  }
}

TEST_CASE("recurrent step: the same states as the layer", "[nn]") {
  for (const CellKind kind : {CellKind::kGru, CellKind::kLstm}) {
    torch::manual_seed(10);
    const auto weights = random_weights(kind, 3, 4, torch::kFloat32);
    const auto x = torch::randn({6, 3});
    const auto states = recurrent_layer(kind, x, weights, {2, 2, 2});
    const torch::NoGradGuard guard;
    auto h = torch::zeros({2, 4});
    auto c = torch::zeros({2, 4});
    auto gates = torch::empty({3, gate_count(kind) * 4});
    auto recurrent = torch::empty_like(gates);
    for (int64_t t = 0; t < 3; ++t) {
      recurrent_step(kind, x.narrow(0, 2 * t, 2), weights, h, c, gates, recurrent);
      CHECK(close(h, states.narrow(0, 2 * t, 2), test::kTolerance32));
    }
  }
}

TEST_CASE("recurrent layer: impossible batch sizes are refused", "[nn]") {
  const auto weights = random_weights(CellKind::kGru, 3, 4, torch::kFloat32);
  const auto x = torch::randn({6, 3});
  CHECK_THROWS_AS(recurrent_layer(CellKind::kGru, x, weights, {}), InternalError);
  CHECK_THROWS_AS(recurrent_layer(CellKind::kGru, x, weights, {2, 4}), InternalError);
  CHECK_THROWS_AS(recurrent_layer(CellKind::kGru, x, weights, {3, 2}), InternalError);
  const auto three = torch::zeros({3}, torch::kInt64);
  CHECK_THROWS_AS(recurrent_layer(CellKind::kGru, x, weights, {3, 3}, {three}), InternalError);
  CHECK_THROWS_AS(recurrent_layer(CellKind::kGru, x, weights, {3, 3}, {three, {}}), InternalError);
  CHECK_THROWS_AS(recurrent_layer(CellKind::kGru, x, weights, {2, 4}, {{}, three}), InternalError);
}
