// What the machine can do at best: the rates that the speed of a step is held against.
#pragma once

#include <cstdint>

#include "core/worker_pool.h"

namespace pgtrain {

// float32 matrix products of a 1024 cube on all workers at once, each on its own thread: the sum
// of their best rates in GFLOP/s. Call prepare_blas before.
double parallel_matmul_gflops(WorkerPool& pool);

// Bytes per second that all workers together read from main memory, each from a buffer of its own
// of bytes_per_worker (at least 1 MiB), which should be larger than the caches.
double read_bandwidth(WorkerPool& pool, uint64_t bytes_per_worker);

}  // namespace pgtrain
