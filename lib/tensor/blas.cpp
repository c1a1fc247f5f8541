#include "tensor/blas.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <dlfcn.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "core/error.h"

namespace pgtrain {
namespace {

template <class F>
F* find(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_DEFAULT, name));
}

}  // namespace

std::string prepare_blas() {
  if (auto* set_threads = find<void(int)>("openblas_set_num_threads")) set_threads(1);
  auto* core_name = find<char*()>("openblas_get_corename");
  auto* config = find<char*()>("openblas_get_config");
  if (core_name != nullptr && config != nullptr) {
    const std::string text = config();
    return text.substr(0, text.find(' ', text.find(' ') + 1)) + " " + core_name();
  }
  return at::hasMKL() ? "MKL" : "unknown";
}

std::string blas_environment_hint() {
#if defined(__x86_64__)
  const char* forced = std::getenv("OPENBLAS_CORETYPE");
  if (forced == nullptr || !__builtin_cpu_supports("avx512f") ||
      find<char*()>("openblas_get_corename") == nullptr)
    return "";
  const std::string_view kind(forced);
  if (kind == "SkylakeX" || kind == "Cooperlake" || kind == "SapphireRapids") return "";
  return fmt::format(
      "OPENBLAS_CORETYPE={} in the environment keeps OpenBLAS from this processor's AVX-512 "
      "kernels; without it products "
      "can run twice as fast",
      forced);
#else
  return "";
#endif
}

bool blas_is_thread_safe() {
  auto* config = find<char*()>("openblas_get_config");
  if (config == nullptr) return true;
  const std::string_view text = config();
  return text.find("SINGLE_THREADED") == std::string_view::npos ||
         text.find("USE_LOCKING") != std::string_view::npos;
}

int usable_threads(int64_t requested) {
  const int threads = requested > 0
                          ? static_cast<int>(requested)
                          : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (threads == 1 || blas_is_thread_safe()) return threads;
  spdlog::warn(
      "this OpenBLAS is a serial build without locks and unsafe with several threads: one thread "
      "is used. Install "
      "libopenblas0-pthread instead (Debian and Ubuntu)");
  return 1;
}

void use_one_thread() { at::set_num_threads(1); }

double matmul_gflops(int size) {
  const c10::InferenceMode guard;
  const at::Tensor a = at::full({size, size}, 0.5F);
  const at::Tensor b = at::full({size, size}, 0.25F);
  at::Tensor c = at::empty({size, size});
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  double best = 0;
  for (int i = 0; i < 50; ++i) {
    const auto begin = Clock::now();
    at::mm_out(c, a, b);
    const std::chrono::duration<double> seconds = Clock::now() - begin;
    best = std::max(best, 2e-9 * size * size * size / std::max(1e-9, seconds.count()));
    if (i > 0 && Clock::now() - start > std::chrono::milliseconds(8)) break;
  }
  return best;
}

std::string slow_blas_warning(double gflops) {
  if (gflops >= 8.0) return "";
  return fmt::format(
      "matrix products run at {:.1f} GFLOP/s: LibTorch is using an unoptimised BLAS and training "
      "will be up to 100 times "
      "slower. Install OpenBLAS (Debian and Ubuntu: apt-get install libopenblas0-pthread)",
      gflops);
}

}  // namespace pgtrain
