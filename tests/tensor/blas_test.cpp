#include "tensor/blas.h"

#include "support/tensors.h"

using namespace pgtrain;

TEST_CASE("blas: preparation names a library and products stay right", "[tensor]") {
  CHECK(!prepare_blas().empty());
  CHECK(!prepare_blas().empty());  // calling it again is harmless
  torch::manual_seed(1);
  const auto a = torch::randn({70, 130}, torch::kFloat64);
  const auto b = torch::randn({130, 90}, torch::kFloat64);
  const auto expected = (a.unsqueeze(2) * b.unsqueeze(0)).sum(1);
  CHECK(test::close(torch::mm(a, b), expected));
  CHECK(test::close(torch::mm(a.to(torch::kFloat32), b.to(torch::kFloat32)), expected, 20 * test::kTolerance32));
}

TEST_CASE("blas: the self-timing measures a rate, and only a slow one warns", "[tensor]") {
  CHECK(matmul_gflops() > 0.01);
  CHECK(slow_blas_warning(100).empty());
  CHECK(test::contains(slow_blas_warning(1.2), "libopenblas0"));
  const std::string hint = blas_environment_hint();
  CHECK((hint.empty() || test::contains(hint, "OPENBLAS_CORETYPE=")));
}
