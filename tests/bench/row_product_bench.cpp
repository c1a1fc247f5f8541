// The products of few rows beside those of the BLAS library, on one thread.
// usage: row_product_bench [output|input] [inputs outputs]
// For each shape and number of rows: GFLOP/s of row_product, GB/s of weights that is, GFLOP/s of
// at::mm_out on the same matrices; "*" where prefers_row_product chooses row_product.
#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tensor/blas.h"
#include "tensor/kernel_variant.h"
#include "tensor/row_product.h"

using namespace pgtrain;

namespace {

constexpr double kSeconds = 0.1;  // for one figure
const std::vector<int64_t> kRows = {1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 128};

template <class F>
double best_seconds(const F& f) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9, total = 0;
  for (int i = 0; i < 3 || total < kSeconds; ++i) {
    const auto start = Clock::now();
    f();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::min(best, seconds);
    total += seconds;
  }
  return best;
}

void measure(int64_t inputs, int64_t outputs, bool input_major) {
  std::printf("%lld x %lld\n", static_cast<long long>(inputs), static_cast<long long>(outputs));
  const at::Tensor w = input_major ? at::randn({inputs, outputs}) : at::randn({outputs, inputs});
  const at::Tensor factor = input_major ? w : w.t();
  const auto& kernels = row_product_kernels<float>();
  for (const int64_t rows : kRows) {
    const at::Tensor x = at::randn({rows, inputs});
    at::Tensor y = at::empty({rows, outputs});
    const RowProduct<float> product = {x.data_ptr<float>(), rows,    inputs,  w.data_ptr<float>(),
                                       w.stride(0),         inputs,  outputs, nullptr,
                                       y.data_ptr<float>(), outputs, false};
    const double ours = best_seconds(
        [&] { input_major ? kernels.input_major(product) : kernels.output_major(product); });
    const double blas = best_seconds([&] { at::mm_out(y, x, factor); });
    const double products = static_cast<double>(rows * inputs * outputs);
    const double bytes = 4 * static_cast<double>(inputs * outputs);
    const bool preferred = input_major ? prefers_row_product_input_major(rows, inputs, outputs)
                                       : prefers_row_product(rows, inputs, outputs);
    std::printf("  %4lld rows  %6.1f GFLOP/s  %5.1f GB/s   mm %6.1f GFLOP/s %s\n",
                static_cast<long long>(rows), 2e-9 * products / ours, 1e-9 * bytes / ours,
                2e-9 * products / blas, preferred ? "*" : "");
  }
}

}  // namespace

int main(int argc, char** argv) {
  prepare_blas();
  use_one_thread();
  const at::NoGradGuard guard;
  const bool input_major = argc > 1 && std::string(argv[1]) == "input";
  std::printf("%s, %s-major, peak of the BLAS library %.1f GFLOP/s\n", kernel_variant_name(),
              input_major ? "input" : "output", matmul_gflops(512));
  if (argc > 3) {
    measure(std::atoll(argv[2]), std::atoll(argv[3]), input_major);
    return 0;
  }
  const std::vector<std::pair<int64_t, int64_t>> shapes = {{576, 960},   {576, 3072}, {1536, 576},
                                                           {576, 49152}, {512, 1536}, {512, 10000},
                                                           {64, 344},    {64, 512}};
  for (const auto& [inputs, outputs] : shapes) measure(inputs, outputs, input_major);
  return 0;
}
