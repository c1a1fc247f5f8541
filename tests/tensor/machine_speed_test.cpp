#include "tensor/machine_speed.h"

#include "support/support.h"
#include "tensor/blas.h"

using namespace pgtrain;

TEST_CASE("machine speed: every pool size ends with a positive rate", "[tensor]") {
  prepare_blas();
  for (const int threads : {1, 2, 5}) {
    WorkerPool pool(threads, use_one_thread);
    CHECK(parallel_matmul_gflops(pool) > 0);
    CHECK(read_bandwidth(pool, uint64_t{1} << 20) > 0);
  }
}
