#include "nn/rotary.h"

#include "core/error.h"
#include "support/tensors.h"

using namespace pgtrain;
using test::close;

namespace {

ModelOptions options_of(int64_t head_dim) {
  ModelOptions options;
  options.kind = "llama";
  options.head_dim = head_dim;
  options.rope_theta = 100;
  return options;
}

}  // namespace

TEST_CASE("rotary: frequencies and angles by hand", "[nn]") {
  // theta^(-2i / 4) with theta 100: 1 and 0.1
  const Rotary rotary(options_of(4));
  CHECK(close(rotary.frequencies()[0], 1));
  CHECK(close(rotary.frequencies()[1], 0.1, test::kTolerance32));
  const auto table = rotary.table(3, torch::kFloat64);
  CHECK(table.sizes() == at::IntArrayRef({3, 4}));
  const auto expected =
      torch::tensor({std::cos(2.0), std::cos(0.2), std::sin(2.0), std::sin(0.2)}, torch::kFloat64);
  CHECK(close(table[2], expected, 1e-7));
  CHECK(close(table[0], torch::tensor({1.0, 1.0, 0.0, 0.0}, torch::kFloat64)));
}

TEST_CASE("rotary: scalings by hand", "[nn]") {
  ModelOptions options = options_of(4);
  options.rope_scaling.type = "linear";
  options.rope_scaling.factor = 4;
  CHECK(close(Rotary(options).frequencies()[1], 0.025, test::kTolerance32));

  // Waves of 2 pi (below 40 / 4) stay, of 20 pi (above 40 / 1) are stretched.
  options.rope_scaling.type = "llama3";
  options.rope_scaling.original_max_positions = 40;
  CHECK(close(Rotary(options).frequencies()[0], 1, test::kTolerance32));
  CHECK(close(Rotary(options).frequencies()[1], 0.025, test::kTolerance32));
  // With a context of 100 the second wave turns 100 / (20 pi) = 1.5915 times: smooth 0.19718,
  // 0.1 * ((1 - 0.19718) / 4 + 0.19718) = 0.0397886
  options.rope_scaling.original_max_positions = 100;
  CHECK(close(Rotary(options).frequencies()[1], 0.0397886, test::kTolerance32));

  options.rope_scaling.type = "yarn";
  CHECK(close(Rotary(options).attention_factor(), 0.1 * std::log(4.0) + 1));
  options.rope_scaling.mscale = 2;
  options.rope_scaling.mscale_all_dim = 1;
  CHECK(close(Rotary(options).attention_factor(),
              (0.2 * std::log(4.0) + 1) / (0.1 * std::log(4.0) + 1)));
  options.rope_scaling.attention_factor = 1.5;
  CHECK(close(Rotary(options).attention_factor(), 1.5));
  CHECK(close(Rotary(options).table(1, torch::kFloat64)[0][0].item<double>(), 1.5));

  ModelOptions divided = options_of(4);
  divided.rope_factors = {2, 5};
  CHECK(close(Rotary(divided).frequencies()[0], 0.5));
  CHECK(close(Rotary(divided).frequencies()[1], 0.02, test::kTolerance32));
}

TEST_CASE("rotary: heads that cannot be rotated are refused", "[nn]") {
  CHECK_THROWS_AS(Rotary(options_of(3)), InternalError);
  ModelOptions options = options_of(4);
  options.rope_factors = {1, 2, 3};
  CHECK_THROWS_AS(Rotary(options), InternalError);
}
