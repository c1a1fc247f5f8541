#include "core/parallel.h"

#include <algorithm>
#include <utility>

#include "core/error.h"

namespace pgtrain {
namespace {

thread_local WorkerPool* lent = nullptr;

// Takes the pool away from this thread while its tasks run: they may be on this thread, too.
class Away {
 public:
  Away() : pool_(std::exchange(lent, nullptr)) {}
  ~Away() { lent = pool_; }
  Away(const Away&) = delete;
  Away& operator=(const Away&) = delete;
  WorkerPool& pool() const { return *pool_; }

 private:
  WorkerPool* pool_;
};

}  // namespace

TeamScope::TeamScope(WorkerPool& pool) {
  PG_CHECK(lent == nullptr, "a pool is lent to this thread already");
  lent = &pool;
}

TeamScope::~TeamScope() { lent = nullptr; }

void parallel_blocks(int64_t blocks, const std::function<void(int64_t)>& task) {
  if (lent == nullptr || blocks <= 1 || lent->size() == 1) {
    for (int64_t block = 0; block < blocks; ++block) task(block);
    return;
  }
  const Away away;
  away.pool().run(blocks, [&](int64_t block, int) { task(block); });
}

void parallel_ranges(int64_t count, int64_t grain,
                     const std::function<void(int64_t, int64_t)>& task) {
  PG_CHECK(grain >= 1, "parts of {}", grain);
  parallel_blocks((count + grain - 1) / grain, [&](int64_t block) {
    task(block * grain, std::min(count, (block + 1) * grain));
  });
}

}  // namespace pgtrain
