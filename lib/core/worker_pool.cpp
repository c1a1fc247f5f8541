#include "core/worker_pool.h"

#include <algorithm>
#include <system_error>

#include "core/error.h"

namespace pgtrain {
namespace {

constexpr int kSpins = 2000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

template <class Condition>
void spin(int times, const Condition& condition) {
  for (int i = 0; i < times && !condition(); ++i) pause();
}

}  // namespace

WorkerPool::WorkerPool(int threads, std::function<void()> on_start)
    : on_start_(std::move(on_start)) {
  PG_CHECK(threads >= 0, "threads is {}", threads);
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (threads == 0) threads = cores;
  if (threads <= cores) spins_ = kSpins;
  if (on_start_) on_start_();
  try {
    for (int worker = 1; worker < threads; ++worker)
      threads_.emplace_back([this, worker] { loop(worker); });
  } catch (const std::system_error& e) {
    stop();
    throw Error(fmt::format("cannot start thread {} of {}: {}; use fewer (run.threads)",
                            threads_.size() + 2, threads, e.what()));
  }
}

WorkerPool::~WorkerPool() { stop(); }

void WorkerPool::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void WorkerPool::run(int64_t shards, const std::function<void(int64_t, int)>& task) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    PG_CHECK(task_ == nullptr, "WorkerPool::run is not re-entrant");
    task_ = &task;
    shards_ = shards;
    next_ = 0;
    failed_shard_ = -1;
    failure_ = nullptr;
    ++generation_;
  }
  wake_.notify_all();
  work(0);
  spin(spins_, [this] { return busy_ == 0; });
  std::unique_lock<std::mutex> lock(mutex_);
  done_.wait(lock, [this] { return busy_ == 0; });
  task_ = nullptr;
  if (failure_) std::rethrow_exception(failure_);
}

void WorkerPool::run_ordered(int64_t shards, const std::function<void(int64_t, int)>& task,
                             const std::function<void(int64_t, int)>& finish) {
  std::mutex turn_mutex;
  std::condition_variable turn_changed;
  int64_t turn = 0;
  // A failed shard must still pass the turn on, or the others would wait for ever.
  run(shards, [&](int64_t shard, int worker) {
    std::exception_ptr failure;
    try {
      task(shard, worker);
    } catch (...) {
      failure = std::current_exception();
    }
    std::unique_lock<std::mutex> lock(turn_mutex);
    turn_changed.wait(lock, [&] { return turn == shard; });
    if (!failure) {
      try {
        finish(shard, worker);
      } catch (...) {
        failure = std::current_exception();
      }
    }
    ++turn;
    turn_changed.notify_all();
    if (failure) std::rethrow_exception(failure);
  });
}

void WorkerPool::loop(int worker) {
  if (on_start_) on_start_();
  uint64_t seen = 0;
  while (true) {
    spin(spins_, [&] { return stopping_ || generation_ != seen; });
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || generation_ != seen; });
      if (stopping_) return;
      seen = generation_;
    }
    work(worker);
  }
}

void WorkerPool::work(int worker) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (task_ == nullptr) return;
  ++busy_;
  const auto* task = task_;
  while (next_ < shards_) {
    const int64_t shard = next_++;
    lock.unlock();
    std::exception_ptr failure;
    try {
      (*task)(shard, worker);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure && (failed_shard_ < 0 || shard < failed_shard_)) {
      failed_shard_ = shard;
      failure_ = failure;
    }
  }
  if (--busy_ == 0) done_.notify_all();
}

}  // namespace pgtrain
