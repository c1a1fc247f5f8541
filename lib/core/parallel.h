// Threads for the operators of one thread.
#pragma once

#include <cstdint>
#include <functional>

#include "core/worker_pool.h"

namespace pgtrain {

// Lends a pool to the calling thread until the end of the scope: parallel_blocks spreads its blocks
// over it. The pool must do nothing else meanwhile. Scopes do not nest.
class TeamScope {
 public:
  explicit TeamScope(WorkerPool& pool);
  ~TeamScope();
  TeamScope(const TeamScope&) = delete;
  TeamScope& operator=(const TeamScope&) = delete;
};

// Calls task(block) for every block in [0, blocks), each once: on the pool that is lent to the
// calling thread, else one after the other. A task must not depend on the order, on the thread, or
// on what thread-local state the caller has; inside a task nothing is lent where there are several
// blocks. So whatever is cut into blocks by its size alone has the same bits with any number of
// threads. Throws what the task of the lowest failed block threw.
void parallel_blocks(int64_t blocks, const std::function<void(int64_t block)>& task);

// parallel_blocks over consecutive parts of [0, count): task(begin, end). The parts' size is
// `grain`, at least 1, which must not depend on the number of threads.
void parallel_ranges(int64_t count, int64_t grain,
                     const std::function<void(int64_t begin, int64_t end)>& task);

}  // namespace pgtrain
