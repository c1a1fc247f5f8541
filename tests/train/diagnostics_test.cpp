#include "train/diagnostics.h"

#include "support/support.h"

using namespace pgtrain;
using test::contains;

namespace {

Row step_row(int64_t step, const std::vector<std::pair<std::string, double>>& values = {},
             double reward = 0.5) {
  Row row;
  row.set("step", step);
  row.set("reward", reward);
  row.set("entropy", 1.0);
  for (const auto& [name, value] : values) row.set(name, value);
  return row;
}

Row eval_row(int64_t step, double reward) {
  Row row;
  row.set("step", step);
  row.set("eval_reward", reward);
  return row;
}

}  // namespace

TEST_CASE("diagnostics: a healthy row says nothing", "[train]") {
  Diagnostics diagnostics;
  for (int64_t step = 1; step < 60; ++step)
    CHECK(diagnostics
              .after_step(step_row(step, {{"frac_reward_zero_std", 0.3},
                                          {"clip_ratio/region_mean", 0.1},
                                          {"approx_kl", 0.01},
                                          {"kl", 0.05},
                                          {"explained_variance", 0.4},
                                          {"completions/clipped_ratio", 0.1},
                                          {"sampling/sampling_logp_difference/max", 1e-5}}))
              .empty());
}

TEST_CASE("diagnostics: each symptom is named with its value and something to try", "[train]") {
  const std::vector<std::pair<std::string, double>> symptoms = {
      {"frac_reward_zero_std", 0.95},
      {"clip_ratio/region_mean", 0.6},
      {"approx_kl", 0.4},
      {"kl", 2.0},
      {"entropy", 0.001},
      {"sampling/sampling_logp_difference/max", 0.5}};
  for (const auto& symptom : symptoms) {
    Diagnostics diagnostics;
    diagnostics.after_step(step_row(1));
    const auto warnings = diagnostics.after_step(step_row(2, {symptom}));
    REQUIRE(warnings.size() == 1);
    INFO(warnings[0]);
    CHECK(contains(warnings[0], symptom.first));
  }
}

TEST_CASE("diagnostics: what must be learned first is judged after some steps", "[train]") {
  Diagnostics diagnostics;
  int64_t first = 0;
  for (int64_t step = 1; step < 60 && first == 0; ++step)
    if (!diagnostics.after_step(step_row(step, {{"explained_variance", -0.5}})).empty())
      first = step;
  CHECK(first == 21);
}

TEST_CASE("diagnostics: a warning comes again after a hundred steps only", "[train]") {
  Diagnostics diagnostics;
  std::vector<int64_t> warned;
  for (int64_t step = 1; step <= 250; ++step)
    if (!diagnostics.after_step(step_row(step, {{"kl", 3.0}})).empty()) warned.push_back(step);
  CHECK(warned == std::vector<int64_t>{1, 101, 201});
}

TEST_CASE("diagnostics: training reward up and held-out reward down is told", "[train]") {
  const auto run = [](double train, double held_out) {
    Diagnostics diagnostics;
    for (int64_t step = 1; step <= 10; ++step) diagnostics.after_step(step_row(step, {}, 0.4));
    diagnostics.after_evaluation(eval_row(10, 0.4));
    for (int64_t step = 11; step <= 20; ++step) diagnostics.after_step(step_row(step, {}, train));
    return diagnostics.after_evaluation(eval_row(20, held_out));
  };
  REQUIRE(run(0.6, 0.3).size() == 1);
  CHECK(contains(run(0.6, 0.3)[0], "from 0.400 to 0.600 while the held-out reward fell"));
  CHECK(run(0.6, 0.5).empty());
  CHECK(run(0.3, 0.3).empty());
}

TEST_CASE("diagnostics: a gradient of noise is told once it has been measured often enough",
          "[train]") {
  Diagnostics diagnostics;
  std::vector<int64_t> warned;
  for (int64_t step = 1; step <= 20; ++step)
    if (!diagnostics
             .after_step(step_row(step, {{"gradient_noise/signal", 0.001},
                                         {"gradient_noise/noise", 100.0},
                                         {"completions/count", 64.0}}))
             .empty())
      warned.push_back(step);
  CHECK(warned == std::vector<int64_t>{5});
}
