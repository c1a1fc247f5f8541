#include "train/advantages.h"

#include "support/tensors.h"

using namespace pgtrain;
using test::close;

namespace {

// Two groups of two completions: 3, 1, 2 and 2 tokens.
AdvantageInputs make_inputs() {
  AdvantageInputs in;
  in.group_size = 2;
  in.rewards = torch::tensor({1.0, 0.0, 0.5, 0.7}, torch::kFloat64);
  in.parts = torch::tensor({{1.0, 0.0}, {0.0, 1.0}, {0.5, 0.2}, {0.7, 0.1}}, torch::kFloat64);
  in.part_weights = {1, 0.5};
  in.mask = torch::tensor({{1.0, 1.0, 1.0}, {1.0, 0.0, 0.0}, {1.0, 1.0, 0.0}, {1.0, 1.0, 0.0}},
                          torch::kFloat64);
  in.old_log_probs = -in.mask;
  in.values = 0.5 * in.mask;
  in.greedy_rewards = torch::tensor({0.4, 0.6}, torch::kFloat64);
  return in;
}

Advantages estimate(const AlgorithmOptions& options, const AdvantageInputs& in = make_inputs()) {
  Row row;
  return AdvantageEstimator(options).estimate(in, row);
}

AlgorithmOptions with_baseline(const std::string& name) {
  AlgorithmOptions options;
  options.baseline = name;
  return options;
}

// The advantage of each completion, checked to be the same for all its tokens.
std::vector<double> completions(const at::Tensor& tokens) {
  const auto mask = make_inputs().mask;
  CHECK(close(tokens, tokens.narrow(1, 0, 1) * mask));
  std::vector<double> result;
  for (int64_t i = 0; i < tokens.size(0); ++i) result.push_back(tokens[i][0].item<double>());
  return result;
}

void check(const std::string& baseline, const std::vector<double>& expected) {
  INFO(baseline);
  const auto actual = completions(estimate(with_baseline(baseline)).tokens);
  for (size_t i = 0; i < 4; ++i) CHECK(close(actual[i], expected[i]));
}

}  // namespace

TEST_CASE("advantages: every baseline of completions by hand", "[train]") {
  check("none", {1, 0, 0.5, 0.7});
  check("batch_mean", {0.45, -0.55, -0.05, 0.15});
  check("ema", {0.45, -0.55, -0.05, 0.15});  // the first step has its own mean
  check("leave_one_out", {1, -1, -0.2, 0.2});
  check("group_mean", {0.5, -0.5, -0.1, 0.1});
  // (r - mean) / (|r1 - r2| / sqrt 2 + 1e-4)
  check("group_norm", {0.5 / (std::sqrt(0.5) + 1e-4), -0.5 / (std::sqrt(0.5) + 1e-4),
                       -0.1 / (std::sqrt(0.02) + 1e-4), 0.1 / (std::sqrt(0.02) + 1e-4)});
  check("greedy", {0.6, -0.4, -0.1, 0.1});
  check("optimal_length", {0.25, -0.75, -0.1, 0.1});  // (3 * 1 + 1 * 0) / 4, (1 + 1.4) / 4
  check("pass_at_k", {1, 0, 0, 0.2});
  auto constant = with_baseline("constant");
  constant.constant_baseline = 0.3;
  CHECK(close(completions(estimate(constant).tokens)[2], 0.2));
}

TEST_CASE("advantages: a constant reward teaches nothing, to the last bit", "[train]") {
  AdvantageInputs in;
  in.group_size = 6;
  in.rewards = torch::full({42}, 0.1F);  // whose mean in float32 is not 0.1F
  in.parts = torch::full({42, 1}, 0.1F);
  in.part_weights = {1};
  in.mask = torch::ones({42, 3});
  in.old_log_probs = torch::linspace(-3, -1, 126).view({42, 3});
  in.greedy_rewards = torch::full({7}, 0.1F);
  for (const char* name : {"ema", "group_mean", "group_norm", "greedy", "reinforce_pp", "gdpo",
                           "pass_at_k", "leave_one_out"}) {
    INFO(name);
    CHECK(estimate(with_baseline(name), in).tokens.abs().max().item<float>() == 0);
  }
  AlgorithmOptions whitened = with_baseline("ema");
  whitened.whiten_advantages = true;
  CHECK(estimate(whitened, in).tokens.abs().max().item<float>() == 0);
  AlgorithmOptions mrt = with_baseline("none");
  mrt.loss = "mrt";
  CHECK(estimate(mrt, in).tokens.abs().max().item<float>() == 0);
}

TEST_CASE("advantages: GDPO sums to zero over the batch", "[train]") {
  CHECK(close(estimate(with_baseline("gdpo")).tokens.narrow(1, 0, 1).sum().item<double>(), 0));
}

TEST_CASE("advantages: minimum risk training by hand", "[train]") {
  auto options = with_baseline("none");
  options.loss = "mrt";
  options.mrt_alpha = 1;
  // log p = -3 and -1: Q = 1 / (1 + e^2) and its rest; then -2 and -2: a half each.
  const double q = 1 / (1 + std::exp(2.0));
  const auto actual = completions(estimate(options).tokens);
  CHECK(close(actual[0], 2 * q * (1 - q)));
  CHECK(close(actual[1], -2 * (1 - q) * q));
  CHECK(close(actual[2], -0.1));
  CHECK(close(actual[3], 0.1));
}

TEST_CASE("advantages: a value gives each token its own, and targets", "[train]") {
  auto options = with_baseline("value");
  const auto result = estimate(options);
  // gamma = lambda = 1: reward - V, and the return is the reward.
  CHECK(close(result.tokens[0], torch::tensor({0.5, 0.5, 0.5}, torch::kFloat64)));
  CHECK(close(result.returns * make_inputs().mask,
              make_inputs().rewards.unsqueeze(1) * make_inputs().mask));
  options.gae_lambda = 0;
  // V_{t+1} - V_t = 0 before the end, reward - V there.
  CHECK(close(estimate(options).tokens[0], torch::tensor({0.0, 0.0, 0.5}, torch::kFloat64)));
}

TEST_CASE("advantages: the KL penalty in the reward, of completions and of tokens", "[train]") {
  auto in = make_inputs();
  in.kl = 0.1 * in.mask;
  in.kl_coef = 2;
  // r - 2 * 0.1 * tokens: 0.4, -0.2, 0.1, 0.3
  const auto plain = completions(estimate(with_baseline("none"), in).tokens);
  CHECK(close(plain[0], 0.4));
  CHECK(close(plain[1], -0.2));
  CHECK(close(plain[3], 0.3));
  auto options = with_baseline("value");
  // Reward to go - V: the penalty of earlier tokens is past.
  CHECK(close(estimate(options, in).tokens[0],
              torch::tensor({0.4 - 0.5, 0.6 - 0.5, 0.8 - 0.5}, torch::kFloat64)));
}

TEST_CASE("advantages: whitened, of completions and of tokens; scale 0 leaves nothing", "[train]") {
  auto options = with_baseline("leave_one_out");
  options.whiten_advantages = true;
  const auto first = estimate(options).tokens.narrow(1, 0, 1);
  CHECK(close(first.mean().item<double>(), 0));
  CHECK(close(first.std().item<double>(), 1, 1e-6));
  const auto pp = estimate(with_baseline("reinforce_pp")).tokens;
  CHECK(close(pp.sum().item<double>(), 0));
  options.advantage_scale = 0;
  CHECK(estimate(options).tokens.abs().max().item<double>() == 0);
}
