// The matrix-product library under LibTorch: made fit for many single-threaded workers, and
// measured.
#pragma once

#include <string>

namespace pgtrain {

// Call once, before the first matrix product. Makes OpenBLAS single-threaded: every worker runs its
// own products. Returns what it found: "OpenBLAS 0.3.21 SkylakeX", "MKL" or "unknown".
std::string prepare_blas();

// Single-threaded float32 matrix-product rate in GFLOP/s, the best of a few products of a `size`
// cube within about 10 ms.
double matmul_gflops(int size = 256);

// False for OpenBLAS built without threads and without locks (Debian's libopenblas0-serial 0.3.21):
// its products are wrong, silently, when several threads call it at once.
bool blas_is_thread_safe();

// How many workers may run products side by side: `requested` (0 = one for each core), or 1, with a
// warning on the log, when the library is not thread-safe. Results never depend on it.
int usable_threads(int64_t requested);

// Set by every worker thread: operators run on the calling thread alone.
void use_one_thread();

// A sentence when the environment keeps OpenBLAS from the processor's AVX-512 kernels (about half
// the speed), or "".
std::string blas_environment_hint();

// The warning for a rate that only an unoptimised BLAS has, or "".
std::string slow_blas_warning(double gflops);

}  // namespace pgtrain
