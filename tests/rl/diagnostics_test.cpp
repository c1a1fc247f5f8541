#include "rl/diagnostics.h"

#include <cmath>
#include <limits>

#include "core/error.h"
#include "rl/entropy.h"
#include "rl/family.h"

using namespace pgtrain;
using test::close;
using test::tensor_of;

TEST_CASE("ratio statistics: by hand", "[rl]") {
  // rho: 2 (A > 0: high), 0.5 (A < 0: low), 0.5 (A > 0: not clipped), padding
  const auto log_ratio =
      torch::tensor({{std::log(2.0), std::log(0.5)}, {std::log(0.5), 9.0}}, torch::kFloat64);
  const auto advantage = torch::tensor({{1.0, -1.0}, {1.0, 1.0}}, torch::kFloat64);
  const auto mask = torch::tensor({{1.0, 1.0}, {1.0, 0.0}}, torch::kFloat64);
  const auto s = ratio_statistics(log_ratio, advantage, mask, RatioOptions());
  CHECK(s.tokens == 3);
  CHECK(close(s.clip_fraction_low(), 1.0 / 3));
  CHECK(close(s.clip_fraction_high(), 1.0 / 3));
  CHECK(close(s.clip_fraction(), 2.0 / 3));
  CHECK(close(s.ratio(), 1));
  CHECK(close(s.max_ratio, 2));
  CHECK(close(s.approx_kl_k1(), std::log(2.0) / 3));
  CHECK(close(s.approx_kl(), std::log(2.0) / 3));  // mean of rho is 1 here
  const auto none = ratio_statistics(log_ratio, advantage, torch::zeros_like(mask), {});
  CHECK(none.tokens == 0);
  CHECK(none.approx_kl() == 0);
  CHECK(none.max_ratio == 0);
}

TEST_CASE("ratio statistics: golden for tokens and for sequences", "[rl][parity]") {
  const test::Family family;
  const auto mask = family.in("mask");
  const auto advantage = family.row_advantage(torch::kFloat64);
  const auto compare = [&](const RatioStatistics& s, const nlohmann::json& expected) {
    CHECK(close(s.clip_fraction_low(), expected["low"].get<double>()));
    CHECK(close(s.clip_fraction_high(), expected["high"].get<double>()));
    CHECK(close(s.ratio(), expected["ratio"].get<double>()));
    CHECK(close(s.max_ratio, expected["max_ratio"].get<double>()));
    CHECK(close(s.approx_kl_k1(), expected["k1"].get<double>()));
    CHECK(close(s.approx_kl(), expected["k3"].get<double>()));
  };
  RatioOptions options;
  options.clip_range_high = 0.28;
  const auto tokens = log_ratio(family.in("log_prob"), family.in("old_log_prob"));
  compare(ratio_statistics(tokens, advantage, mask, options),
          family["ratio_statistics"]["token_0.2_0.28"]);
  options.clip_range_low = 0.05;
  options.clip_range_high = 0.1;
  const auto sequences = sequence_log_ratio(family.in("log_prob"), family.in("old_log_prob"), mask);
  compare(
      ratio_statistics(sequences, advantage.narrow(1, 0, 1), torch::ones_like(sequences), options),
      family["ratio_statistics"]["sequence_0.05_0.1"]);
}

TEST_CASE("ratio statistics: parts of a batch add up", "[rl]") {
  torch::manual_seed(20);
  const auto log_ratio = 0.5 * torch::randn({6, 3}, torch::kFloat64);
  const auto advantage = torch::randn({6, 3}, torch::kFloat64);
  const auto mask = (torch::rand({6, 3}, torch::kFloat64) > 0.3).to(torch::kFloat64);
  const auto part = [&](int64_t begin, int64_t count) {
    const auto take = [&](const at::Tensor& t) { return t.narrow(0, begin, count); };
    return ratio_statistics(take(log_ratio), take(advantage), take(mask), RatioOptions());
  };
  const auto whole = part(0, 6);
  auto sum = part(0, 1);
  sum += part(1, 3);
  sum += part(4, 2);
  CHECK(sum.tokens == whole.tokens);
  CHECK(close(sum.clip_fraction(), whole.clip_fraction()));
  CHECK(close(sum.ratio(), whole.ratio()));
  CHECK(close(sum.approx_kl(), whole.approx_kl()));
  CHECK(close(sum.approx_kl_k1(), whole.approx_kl_k1()));
  CHECK(sum.max_ratio == whole.max_ratio);
}

TEST_CASE("gradient noise: from single samples it is the sample covariance, exactly", "[rl]") {
  torch::manual_seed(21);
  const auto gradients = torch::randn({10, 7}, torch::kFloat64) + 1;
  const double small = gradients.square().sum(1).mean().item<double>();
  const double big = gradients.mean(0).square().sum().item<double>();
  const auto noise = gradient_noise(small, big, 1, 10);
  const double trace = gradients.var(0, /*unbiased=*/true).sum().item<double>();
  CHECK(close(noise.noise, trace));
  CHECK(close(noise.signal, big - trace / 10));
  CHECK(close(noise.scale(), trace / (big - trace / 10)));
}

TEST_CASE("gradient noise: expectations give the truth back", "[rl]") {
  // |G|^2 = 3, tr(Sigma) = 12: E|g_B|^2 = 3 + 12 / B
  const auto noise = gradient_noise(3 + 12.0 / 4, 3 + 12.0 / 32, 4, 32);
  CHECK(close(noise.signal, 3));
  CHECK(close(noise.noise, 12));
  CHECK(close(noise.scale(), 4));
  CHECK(std::isinf(gradient_noise(10, 1, 1, 2).scale()));  // signal (2 - 10) / 1 < 0
  CHECK_THROWS_AS(gradient_noise(1, 1, 4, 4), InternalError);
}

TEST_CASE("adaptive entropy: golden, restored, broken numbers ignored", "[rl]") {
  const auto item = test::golden("rl_family.json")["controllers"]["entropy"];
  AdaptiveEntropyOptions options;
  options.target = item["target"];
  options.delta = item["delta"];
  options.max_coef = item["max"];
  AdaptiveEntropy control(item["coef"], options);
  for (const auto& step : item["trace"]) {
    CHECK(close(control.effective(step[0]), step[1].get<double>()));
    control.update(step[0]);
    CHECK(close(control.coef(), step[2].get<double>()));
    AdaptiveEntropy other(0, options);
    other.restore(control.coef());
    CHECK(other.coef() == control.coef());
  }
  const double before = control.coef();
  control.update(std::numeric_limits<double>::quiet_NaN());
  CHECK(control.coef() == before);
  options.min_coef = 2;
  CHECK_THROWS_AS(AdaptiveEntropy(0, options), InternalError);
}
