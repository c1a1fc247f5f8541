#include "tensor/machine_speed.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

#include "core/error.h"
#include "tensor/blas.h"

namespace pgtrain {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRounds = 3;
constexpr double kMaxSeconds = 0.5;  // after which no further round begins

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The sum of what `measure` returns, run once on every worker at the same time: none begins before
// all are there, so no worker takes two.
double sum_over_workers(WorkerPool& pool, const std::function<double()>& measure) {
  std::vector<double> results(static_cast<size_t>(pool.size()));
  std::atomic<int> waiting{pool.size()};
  pool.run(pool.size(), [&](int64_t shard, int) {
    --waiting;
    while (waiting > 0) std::this_thread::yield();
    results[shard] = measure();
  });
  return std::accumulate(results.begin(), results.end(), 0.0);
}

double best_of_rounds(WorkerPool& pool, const std::function<double()>& measure) {
  const auto start = Clock::now();
  double best = 0;
  for (int round = 0; round < kRounds && (round == 0 || seconds_since(start) < kMaxSeconds);
       ++round)
    best = std::max(best, sum_over_workers(pool, measure));
  return best;
}

uint64_t sum(const std::vector<uint64_t>& words) {
  return std::accumulate(words.begin(), words.end(), uint64_t{0});
}

}  // namespace

double parallel_matmul_gflops(WorkerPool& pool) {
  return best_of_rounds(pool, [] { return matmul_gflops(1024); });
}

double read_bandwidth(WorkerPool& pool, uint64_t bytes_per_worker) {
  PG_CHECK(bytes_per_worker >= (uint64_t{1} << 20), "{} bytes", bytes_per_worker);
  std::vector<std::vector<uint64_t>> buffers(static_cast<size_t>(pool.size()));
  std::atomic<size_t> taken{0};
  std::atomic<uint64_t> total{0};  // keeps the sums from being left out
  sum_over_workers(pool, [&] {
    buffers[taken++].assign(bytes_per_worker / sizeof(uint64_t), 1);
    return 0.0;
  });
  return best_of_rounds(pool, [&] {
    const std::vector<uint64_t>& buffer = buffers[taken++ % buffers.size()];
    const auto start = Clock::now();
    total += sum(buffer);
    return static_cast<double>(buffer.size() * sizeof(uint64_t)) /
           std::max(1e-9, seconds_since(start));
  });
}

}  // namespace pgtrain
