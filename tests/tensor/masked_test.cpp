#include "tensor/masked.h"

#include "core/error.h"
#include "support/tensors.h"

using namespace pgtrain;
using test::close;

TEST_CASE("masked mean and variance: by hand", "[tensor]") {
  const auto x = torch::tensor({{1.0, 2.0, 100.0}, {6.0, 100.0, 100.0}}, torch::kFloat64);
  const auto mask = torch::tensor({{1.0, 1.0, 0.0}, {1.0, 0.0, 0.0}}, torch::kFloat64);
  // counted: 1, 2, 6: mean 3, squares 4 + 1 + 9 = 14
  CHECK(close(masked_mean(x, mask).item<double>(), 3));
  CHECK(close(masked_variance(x, mask, true).item<double>(), 7));
  CHECK(close(masked_variance(x, mask, false).item<double>(), 14.0 / 3));
  const auto white = masked_whiten(x, mask, true, 0.0);
  CHECK(close(white[0][0].item<double>(), -2 / std::sqrt(7.0)));
  CHECK(white[0][2].item<double>() == 0);
}

TEST_CASE("masked statistics: NaN under a zero mask never matters, an empty mask gives 0",
          "[tensor]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto x = torch::tensor({2.0, 4.0, nan}, torch::kFloat64);
  const auto mask = torch::tensor({1.0, 1.0, 0.0}, torch::kFloat64);
  CHECK(close(masked_mean(x, mask).item<double>(), 3));
  CHECK(close(masked_variance(x, mask, true).item<double>(), 2));
  CHECK(masked_whiten(x, mask, true)[2].item<double>() == 0);
  CHECK(masked_mean(x, torch::zeros_like(mask)).item<double>() == 0);
  CHECK(masked_variance(x, torch::zeros_like(mask), true).item<double>() == 0);
  CHECK_THROWS_AS(masked_mean(x, torch::ones({2}, torch::kFloat64)), InternalError);
}

TEST_CASE("masked whitening: golden", "[tensor]") {
  const auto rl = test::golden("rl.json");
  const auto mask = test::tensor_of(rl["inputs"]["mask"]);
  for (const auto& item : rl["gae"]) {
    const auto advantages = test::tensor_of(item["advantages"]);
    CHECK(close(masked_whiten(advantages, mask, true), test::tensor_of(item["whitened_unbiased"])));
    CHECK(close(masked_whiten(advantages, mask, false), test::tensor_of(item["whitened_biased"])));
  }
}
