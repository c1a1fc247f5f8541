#include "train/optimizer.h"

#include <tuple>

#include "support/models.h"
#include "support/tensors.h"

using namespace pgtrain;

namespace {

// Our optimiser and torch's on copies of the same tensor, fed the same gradients for some steps.
double worst_difference(const OptimizerOptions& options, bool decoupled) {
  torch::manual_seed(1);
  at::Tensor ours = torch::randn({7, 5});
  auto theirs = ours.detach().clone().requires_grad_(true);
  std::vector<LanguageModel::Parameter> list = {{"w", &ours}};
  const ParameterBuffer buffer(list);
  Adam adam(buffer);
  WorkerPool pool(2);
  const auto betas = std::make_tuple(options.beta1, options.beta2);
  torch::optim::Adam plain(
      {theirs}, torch::optim::AdamOptions(options.learning_rate).betas(betas).eps(options.epsilon));
  torch::optim::AdamW with_decay({theirs}, torch::optim::AdamWOptions(options.learning_rate)
                                               .betas(betas)
                                               .eps(options.epsilon)
                                               .weight_decay(options.weight_decay));
  double worst = 0;
  for (int step = 0; step < 50; ++step) {
    const auto gradient = torch::randn({7, 5});
    ParameterBuffer::view(buffer.gradient(), buffer.entries()[0]).copy_(gradient);
    theirs.mutable_grad() = gradient.clone();
    adam.step(pool, options, options.learning_rate, 1.0);
    if (decoupled)
      with_decay.step();
    else
      plain.step();
    worst = std::max(worst, test::max_difference(ours, theirs));
  }
  return worst;
}

}  // namespace

TEST_CASE("adam and adamw: 50 steps equal torch's optimisers", "[train]") {
  OptimizerOptions options;
  options.learning_rate = 0.02;
  CHECK(worst_difference(options, false) < test::kTolerance32);
  options.beta1 = 0.999;
  options.beta2 = 0.999999;
  CHECK(worst_difference(options, false) < test::kTolerance32);
  options.beta1 = 0.8;
  options.beta2 = 0.95;
  options.epsilon = 1e-4;
  options.weight_decay = 0.1;
  CHECK(worst_difference(options, true) < test::kTolerance32);
}

TEST_CASE("sgd: 30 steps equal torch's, plain, with momentum, Nesterov and weight decay",
          "[train]") {
  for (const auto& [momentum, nesterov, decay] :
       {std::tuple(0.0, false, 0.0), std::tuple(0.0, false, 0.1), std::tuple(0.9, false, 0.0),
        std::tuple(0.8, true, 0.01)}) {
    torch::manual_seed(1);
    at::Tensor ours = torch::randn({7, 5});
    auto theirs = ours.detach().clone().requires_grad_(true);
    std::vector<LanguageModel::Parameter> list = {{"w", &ours}};
    const ParameterBuffer buffer(list);
    OptimizerOptions options;
    options.kind = "sgd";
    options.momentum = momentum;
    options.nesterov = nesterov;
    options.weight_decay = decay;
    const auto sgd = make_optimizer(options, buffer);
    WorkerPool pool(2);
    torch::optim::SGD reference(
        {theirs},
        torch::optim::SGDOptions(0.05).momentum(momentum).nesterov(nesterov).weight_decay(decay));
    for (int step = 0; step < 30; ++step) {
      const auto gradient = torch::randn({7, 5});
      ParameterBuffer::view(buffer.gradient(), buffer.entries()[0]).copy_(2 * gradient);
      theirs.mutable_grad() = gradient.clone();
      sgd->step(pool, options, 0.05, 0.5);
      reference.step();
    }
    CHECK(test::close(ours, theirs, test::kTolerance32));
    CHECK(sgd->state().size() == (momentum > 0 ? 1 : 0));
    CHECK(sgd->steps() == 30);
  }
}

TEST_CASE("adam: by hand, the first step moves by the learning rate against the gradient's sign",
          "[train]") {
  at::Tensor w = torch::tensor({1.0F, -2.0F, 0.5F});
  std::vector<LanguageModel::Parameter> list = {{"w", &w}};
  const ParameterBuffer buffer(list);
  Adam adam(buffer);
  WorkerPool pool(1);
  ParameterBuffer::view(buffer.gradient(), buffer.entries()[0])
      .copy_(torch::tensor({3.0F, -0.1F, 0.0F}));
  adam.step(pool, {}, 0.1, 1.0);
  CHECK(test::close(w, torch::tensor({0.9F, -1.9F, 0.5F}), test::kTolerance32));
  CHECK(adam.steps() == 1);
}

TEST_CASE(
    "adam: the gradient norm is exact, and neither it nor the step depends on the number of "
    "workers",
    "[train]") {
  std::vector<at::Tensor> results;
  std::vector<double> norms;
  for (const int threads : {1, 2, 5}) {
    torch::manual_seed(2);
    at::Tensor w = torch::randn({400, 500});
    std::vector<LanguageModel::Parameter> list = {{"w", &w}};
    const ParameterBuffer buffer(list);
    Adam adam(buffer);
    WorkerPool pool(threads);
    buffer.gradient().copy_(torch::randn({buffer.size()}));
    norms.push_back(gradient_norm(buffer, pool));
    CHECK(test::close(norms.back(), buffer.gradient().to(torch::kFloat64).norm().item<double>()));
    adam.step(pool, {}, 0.1, 0.5);
    results.push_back(w.detach().clone());
  }
  CHECK(norms[0] == norms[1]);
  CHECK(norms[0] == norms[2]);
  CHECK(test::same_bits(results[0], results[1]));
  CHECK(test::same_bits(results[0], results[2]));
}

TEST_CASE("adam: moments can be read and written back by name", "[train]") {
  at::Tensor w = torch::ones({3});
  std::vector<LanguageModel::Parameter> list = {{"w", &w}};
  const ParameterBuffer buffer(list);
  Adam adam(buffer);
  const auto state = adam.state();
  REQUIRE(state.size() == 2);
  CHECK(state[0].name == "exp_avg.w");
  CHECK(state[1].name == "exp_avg_sq.w");
  state[0].tensor.fill_(2);
  CHECK(adam.state()[0].tensor.min().item<double>() == 2);
}

TEST_CASE("learning-rate schedules: by hand", "[train]") {
  CHECK(schedule_factor("constant", 7, 10, 0) == 1);
  CHECK(test::close(schedule_factor("linear", 0, 10, 0), 1));
  CHECK(test::close(schedule_factor("linear", 5, 10, 0), 0.5));
  CHECK(test::close(schedule_factor("linear", 10, 10, 0), 0));
  CHECK(test::close(schedule_factor("cosine", 5, 10, 0), 0.5));
  CHECK(test::close(schedule_factor("cosine", 10, 10, 0), 0));
  CHECK(test::close(schedule_factor("linear", 0, 10, 4),
                    0.25));  // rises 1/4, 2/4, 3/4, 4/4, then falls
  CHECK(test::close(schedule_factor("linear", 3, 10, 4), 1));
  CHECK(test::close(schedule_factor("linear", 7, 10, 4), 0.5));
  CHECK(test::close(schedule_factor("inverse_sqrt", 3, 10, 0), 0.5));  // 1 / sqrt 4
  CHECK(test::close(schedule_factor("inverse_sqrt", 0, 10, 4), 0.25));
  CHECK(test::close(schedule_factor("inverse_sqrt", 3, 10, 4), 1));
  CHECK(test::close(schedule_factor("inverse_sqrt", 15, 10, 4), 0.5));
  CHECK(schedule_factor("linear", 99, 10, 0) == 0);
}
