// A fixed set of threads that work through numbered shards.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace pgtrain {

// The caller is worker 0; threads - 1 more are started. Results must not depend on which worker
// took a shard. Where every thread has a core, an idle one looks out for work during some tens of
// microseconds before it sleeps: waking it would cost as much as a small shard takes.
class WorkerPool {
 public:
  // threads >= 1, or 0 for one per core. Throws Error when the system refuses that many. on_start
  // runs once in every worker (for example: one BLAS thread).
  explicit WorkerPool(int threads, std::function<void()> on_start = {});
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int size() const { return static_cast<int>(threads_.size()) + 1; }

  // Calls task(shard, worker) for every shard in [0, shards), each once, lower shards started
  // first. Blocks until all are done; then rethrows the exception of the lowest failed shard, if
  // any.
  void run(int64_t shards, const std::function<void(int64_t shard, int worker)>& task);

  // As run, and then calls finish(shard, worker) for every shard in increasing order of shard, on
  // the worker that ran it, one at a time: for sums that must not depend on the number of threads.
  void run_ordered(int64_t shards, const std::function<void(int64_t, int)>& task,
                   const std::function<void(int64_t, int)>& finish);

 private:
  void stop();
  void loop(int worker);
  void work(int worker);

  std::vector<std::thread> threads_;
  std::function<void()> on_start_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  const std::function<void(int64_t, int)>* task_ = nullptr;
  int64_t shards_ = 0;
  int64_t next_ = 0;
  int64_t failed_shard_ = -1;
  std::exception_ptr failure_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<int> busy_{0};
  std::atomic<bool> stopping_{false};
  int spins_ = 0;  // looks before sleeping
};

}  // namespace pgtrain
