#include "core/parallel.h"

#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

TEST_CASE("parallel blocks: each once, in order on the caller without a team", "[core]") {
  std::vector<int64_t> order;
  parallel_blocks(5, [&](int64_t block) { order.push_back(block); });
  CHECK(order == std::vector<int64_t>{0, 1, 2, 3, 4});
  parallel_blocks(0, [&](int64_t) { order.clear(); });
  CHECK(order.size() == 5);
}

TEST_CASE("parallel blocks: a team takes them, many times over", "[core]") {
  WorkerPool pool(3);
  const TeamScope team(pool);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::atomic<int>> runs(17);
    parallel_blocks(17, [&](int64_t block) { ++runs[static_cast<size_t>(block)]; });
    for (const auto& count : runs) REQUIRE(count == 1);
  }
}

TEST_CASE("parallel blocks: two of a team really work at the same time", "[core]") {
  WorkerPool pool(2);
  const TeamScope team(pool);
  std::atomic<int> here{0};
  parallel_blocks(2, [&](int64_t) {
    ++here;
    while (here < 2) std::this_thread::yield();
  });
  CHECK(here == 2);
}

TEST_CASE("parallel blocks: inside a block nothing is lent", "[core]") {
  WorkerPool pool(2);
  const TeamScope team(pool);
  std::mutex mutex;
  std::set<int64_t> seen;
  parallel_blocks(4, [&](int64_t block) {
    const auto thread = std::this_thread::get_id();
    parallel_blocks(3, [&](int64_t inner) {
      const std::lock_guard<std::mutex> lock(mutex);
      if (std::this_thread::get_id() == thread) seen.insert(block * 3 + inner);
    });
  });
  CHECK(seen.size() == 12);
}

TEST_CASE("parallel blocks: the lowest failure comes out, and the team is there again", "[core]") {
  WorkerPool pool(2);
  {
    const TeamScope team(pool);
    CHECK_THROWS_WITH(parallel_blocks(9,
                                      [](int64_t block) {
                                        if (block % 4 == 2)
                                          throw Error("block " + std::to_string(block));
                                      }),
                      "block 2");
    std::atomic<int> runs{0};
    parallel_blocks(6, [&](int64_t) { ++runs; });
    CHECK(runs == 6);
    CHECK_THROWS_AS(TeamScope(pool), InternalError);
  }
  std::set<std::thread::id> threads;
  parallel_blocks(8, [&](int64_t) { threads.insert(std::this_thread::get_id()); });
  CHECK(threads == std::set<std::thread::id>{std::this_thread::get_id()});
}

TEST_CASE("parallel ranges: consecutive, of the given size but for the last", "[core]") {
  std::vector<std::pair<int64_t, int64_t>> ranges;
  parallel_ranges(7, 3, [&](int64_t begin, int64_t end) { ranges.emplace_back(begin, end); });
  CHECK(ranges == std::vector<std::pair<int64_t, int64_t>>{{0, 3}, {3, 6}, {6, 7}});
  CHECK_THROWS_AS(parallel_ranges(7, 0, [](int64_t, int64_t) {}), InternalError);
}

}  // namespace
}  // namespace pgtrain
