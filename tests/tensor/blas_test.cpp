#include "tensor/blas.h"

#include <atomic>
#include <thread>

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
  CHECK(test::close(torch::mm(a.to(torch::kFloat32), b.to(torch::kFloat32)), expected,
                    20 * test::kTolerance32));
}

TEST_CASE("blas: the self-timing measures a rate, and only a slow one warns", "[tensor]") {
  CHECK(matmul_gflops() > 0.01);
  CHECK(slow_blas_warning(100).empty());
  CHECK(test::contains(slow_blas_warning(1.2), "libopenblas0"));
  const std::string hint = blas_environment_hint();
  CHECK((hint.empty() || test::contains(hint, "OPENBLAS_CORETYPE=")));
}

TEST_CASE("blas: products that run side by side on several threads are right", "[tensor]") {
  prepare_blas();
  const int threads = usable_threads(4);
  torch::manual_seed(1);
  for (const int64_t n : {8, 24, 64}) {
    const auto a = torch::randn({20, n});
    const auto b = torch::randn({n, 3 * n});
    const auto expected = torch::mm(a, b);
    std::vector<std::thread> workers;
    std::atomic<int> wrong{0};
    for (int i = 0; i < threads; ++i)
      workers.emplace_back([&] {
        use_one_thread();
        for (int round = 0; round < 500; ++round)
          if (!torch::equal(torch::mm(a, b), expected)) ++wrong;
      });
    for (auto& worker : workers) worker.join();
    CHECK(wrong == 0);
  }
}
