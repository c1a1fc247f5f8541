#include "core/worker_pool.h"

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::message_of;

void rest(int64_t shard) {
  std::this_thread::sleep_for(std::chrono::microseconds((shard * 7919) % 300));
}

TEST_CASE("every shard is run once, by a worker in range", "[core]") {
  for (const int threads : {1, 2, 5}) {
    WorkerPool pool(threads);
    CHECK(pool.size() == threads);
    for (const int64_t shards : {0, 1, 3, 100}) {
      std::vector<std::atomic<int>> runs(static_cast<size_t>(shards));
      std::atomic<bool> in_range{true};
      pool.run(shards, [&](int64_t shard, int worker) {
        ++runs[static_cast<size_t>(shard)];
        if (worker < 0 || worker >= threads) in_range = false;
      });
      CHECK(in_range);
      for (const auto& count : runs) CHECK(count == 1);
    }
  }
}

TEST_CASE("zero threads means one for each core, fewer is a bug", "[core]") {
  CHECK(WorkerPool(0).size() ==
        static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  CHECK_THROWS_AS(WorkerPool(-1), InternalError);
}

TEST_CASE("a worker index belongs to one thread, and 0 to the caller", "[core]") {
  WorkerPool pool(3);
  std::mutex mutex;
  std::map<int, std::set<std::thread::id>> threads;
  for (int round = 0; round < 20; ++round) {
    pool.run(30, [&](int64_t shard, int worker) {
      rest(shard);
      const std::lock_guard<std::mutex> lock(mutex);
      threads[worker].insert(std::this_thread::get_id());
    });
  }
  for (const auto& item : threads) CHECK(item.second.size() == 1);
  if (threads.count(0) != 0) CHECK(*threads[0].begin() == std::this_thread::get_id());
}

TEST_CASE("on_start runs once in every worker", "[core]") {
  std::mutex mutex;
  std::multiset<std::thread::id> started;
  {
    WorkerPool pool(4, [&] {
      const std::lock_guard<std::mutex> lock(mutex);
      started.insert(std::this_thread::get_id());
    });
    pool.run(8, [](int64_t, int) {});
    pool.run(8, [](int64_t, int) {});
  }
  CHECK(started.size() == 4);
  CHECK(std::set<std::thread::id>(started.begin(), started.end()).size() == 4);
}

TEST_CASE("two workers really work at the same time", "[core]") {
  WorkerPool pool(2);
  std::atomic<int> inside{0};
  std::atomic<bool> met{false};
  pool.run(2, [&](int64_t, int) {
    ++inside;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!met && std::chrono::steady_clock::now() < deadline) {
      if (inside == 2) met = true;
      std::this_thread::yield();
    }
  });
  CHECK(met);
}

TEST_CASE("the exception of the lowest failed shard comes out after all are done", "[core]") {
  for (const int threads : {1, 3}) {
    WorkerPool pool(threads);
    std::atomic<int> done{0};
    const auto message = message_of<DataError>([&] {
      pool.run(50, [&](int64_t shard, int) {
        rest(shard);
        ++done;
        if (shard % 10 == 7) throw DataError("shard " + std::to_string(shard));
      });
    });
    CHECK(message == "shard 7");
    CHECK(done == 50);
    // The pool is as good as new.
    done = 0;
    pool.run(5, [&](int64_t, int) { ++done; });
    CHECK(done == 5);
  }
}

TEST_CASE("run inside a task of the same pool is refused", "[core]") {
  WorkerPool pool(2);
  CHECK_THROWS_AS(pool.run(1, [&](int64_t, int) { pool.run(1, [](int64_t, int) {}); }),
                  InternalError);
  int64_t sum = 0;
  pool.run_ordered(
      3, [](int64_t, int) {}, [&](int64_t shard, int) { sum += shard; });
  CHECK(sum == 3);
}

TEST_CASE("run_ordered finishes in order, on the worker of the shard, one at a time", "[core]") {
  for (const int threads : {1, 2, 4}) {
    WorkerPool pool(threads);
    std::vector<int> worker_of(200, -1);
    std::vector<int64_t> order;  // not locked: finish must be alone
    bool same_worker = true;
    pool.run_ordered(
        200,
        [&](int64_t shard, int worker) {
          rest(200 - shard);
          worker_of[static_cast<size_t>(shard)] = worker;
        },
        [&](int64_t shard, int worker) {
          order.push_back(shard);
          same_worker = same_worker && worker_of[static_cast<size_t>(shard)] == worker;
        });
    CHECK(same_worker);
    REQUIRE(order.size() == 200);
    CHECK(std::is_sorted(order.begin(), order.end()));
  }
}

TEST_CASE("a sum made in run_ordered has the same bits for any number of threads", "[core]") {
  const auto total = [](int threads) {
    WorkerPool pool(threads);
    std::vector<double> parts(static_cast<size_t>(threads));
    double sum = 0;
    pool.run_ordered(
        1000,
        [&](int64_t shard, int worker) {
          parts[static_cast<size_t>(worker)] =
              std::sin(static_cast<double>(shard)) * std::pow(10.0, shard % 17);
        },
        [&](int64_t, int worker) { sum += parts[static_cast<size_t>(worker)]; });
    return sum;
  };
  const double expected = total(1);
  for (const int threads : {2, 3, 8}) CHECK(total(threads) == expected);
}

TEST_CASE("run_ordered skips the finish of a failed shard and goes on to the end", "[core]") {
  for (const int threads : {1, 3}) {
    WorkerPool pool(threads);
    std::vector<int64_t> finished;
    const auto message = message_of<DataError>([&] {
      pool.run_ordered(
          20,
          [&](int64_t shard, int) {
            rest(shard);
            if (shard == 5 || shard == 9) throw DataError("task " + std::to_string(shard));
          },
          [&](int64_t shard, int) {
            if (shard == 3) throw DataError("finish 3");
            finished.push_back(shard);
          });
    });
    CHECK(message == "finish 3");
    CHECK(finished.size() == 17);
    CHECK(std::is_sorted(finished.begin(), finished.end()));
  }
}

TEST_CASE("many short runs and pools end cleanly", "[core]") {
  std::atomic<int64_t> sum{0};
  for (int pools = 0; pools < 20; ++pools) {
    WorkerPool pool(3);
    for (int run = 0; run < 200; ++run) pool.run(4, [&](int64_t shard, int) { sum += shard; });
  }
  CHECK(sum == 20 * 200 * 6);
}

}  // namespace
}  // namespace pgtrain
