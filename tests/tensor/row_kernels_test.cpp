#include "tensor/row_kernels.h"

#include "support/tensors.h"

using namespace pgtrain;

namespace {

std::vector<float> random_row(int64_t n, double spread) {
  std::vector<float> row(static_cast<size_t>(n));
  for (auto& value : row)
    value = static_cast<float>(spread * (torch::rand({1}).item<double>() - 0.5));
  return row;
}

}  // namespace

TEST_CASE("row kernels: softmax pieces agree with double arithmetic for every length", "[tensor]") {
  INFO(row_kernels_name());
  torch::manual_seed(2);
  const auto& kernels = row_kernels<float>();
  for (const int64_t n : {1, 2, 15, 16, 17, 100, 4095, 4096, 4097, 10000}) {
    auto x = random_row(n, 20);
    const float scale = 1.3F;
    double sum = 0, weighted = 0, largest = -1e9;
    for (const float value : x) largest = std::max(largest, static_cast<double>(value));
    const float shift = scale * kernels.max(x.data(), n);
    CHECK(static_cast<double>(shift) == Approx(1.3 * largest).epsilon(1e-6));
    for (const float value : x) {
      const double y = static_cast<double>(scale * value) - static_cast<double>(shift);
      sum += std::exp(y);
      weighted += y * std::exp(y);
    }
    double sum_exp = 0, sum_y_exp = 0;
    kernels.softmax_sums(x.data(), n, scale, shift, &sum_exp, &sum_y_exp);
    CHECK(test::close(sum_exp, sum, test::kTolerance32));
    CHECK(test::close(sum_y_exp, weighted, test::kTolerance32));
    CHECK(test::close(kernels.exp_in_place(x.data(), n, scale, shift), sum, test::kTolerance32));
  }
}

TEST_CASE("row kernels: exp is accurate to a few units in the last place and finite everywhere",
          "[tensor]") {
  const auto& kernels = row_kernels<float>();
  double worst = 0;
  for (double x = -86.5; x < 87.5; x += 0.0137) {
    float value = static_cast<float>(x);
    const double expected = std::exp(static_cast<double>(value));
    kernels.exp_in_place(&value, 1, 1.0F, 0.0F);
    worst = std::max(worst, std::abs(static_cast<double>(value) - expected) / expected);
  }
  CHECK(worst < 3e-7);
  for (float extreme : {-1e30F, 1e30F, -std::numeric_limits<float>::infinity()}) {
    kernels.exp_in_place(&extreme, 1, 1.0F, 0.0F);
    CHECK(std::isfinite(extreme));
    CHECK(extreme > 0);
  }
}
