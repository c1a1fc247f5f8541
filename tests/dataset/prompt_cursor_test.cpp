#include "dataset/prompt_cursor.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using Indices = std::vector<int64_t>;

Indices sorted(Indices indices) {
  std::sort(indices.begin(), indices.end());
  return indices;
}

Indices range(int64_t size) {
  Indices indices(static_cast<size_t>(size));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

TEST_CASE("cursor: every epoch visits each record once, in an order of its own", "[dataset]") {
  PromptCursor cursor(50, 1);
  const Indices first = cursor.next(50);
  const Indices second = cursor.next(50);
  CHECK(sorted(first) == range(50));
  CHECK(sorted(second) == range(50));
  CHECK(first != second);
  CHECK(first != range(50));
}

TEST_CASE("cursor: the order does not depend on how it is cut into batches", "[dataset]") {
  PromptCursor whole(7, 3);
  const Indices all = whole.next(60);
  PromptCursor parts(7, 3);
  Indices joined;
  for (int64_t count : {1, 0, 6, 7, 3, 20, 9, 14}) {
    const Indices batch = parts.next(count);
    CHECK(static_cast<int64_t>(batch.size()) == count);
    joined.insert(joined.end(), batch.begin(), batch.end());
  }
  CHECK(joined == all);
}

TEST_CASE("cursor: a restored state continues exactly", "[dataset]") {
  for (int64_t taken = 0; taken < 25; ++taken) {
    PromptCursor cursor(8, 5);
    cursor.next(taken);
    const PromptCursor::State state = cursor.state();
    CHECK(state.epoch == taken / 8);
    CHECK(state.position == taken % 8);
    PromptCursor resumed(8, 5);
    resumed.restore(state);
    CHECK(resumed.next(30) == cursor.next(30));
  }
}

TEST_CASE("cursor: seeds and purposes give different orders", "[dataset]") {
  const Indices one = PromptCursor(40, 1).next(40);
  CHECK(one == PromptCursor(40, 1, Purpose::kShuffle).next(40));
  CHECK(one != PromptCursor(40, 2).next(40));
  CHECK(one != PromptCursor(40, 1, Purpose::kWarmup).next(40));
}

TEST_CASE("cursor: one record comes every time", "[dataset]") {
  PromptCursor cursor(1, 1);
  CHECK(cursor.next(3) == Indices{0, 0, 0});
  CHECK(cursor.state().epoch == 3);
}

TEST_CASE("cursor: states and sizes that cannot be are refused", "[dataset]") {
  PromptCursor cursor(8, 5);
  for (const PromptCursor::State state : {PromptCursor::State{0, 8}, {0, -1}, {-1, 0}})
    CHECK(test::contains(test::message_of<DataError>([&] { cursor.restore(state); }), "8 records"));
  CHECK_THROWS_AS(PromptCursor(0, 1), InternalError);
  CHECK_THROWS_AS(cursor.next(-1), InternalError);
}

}  // namespace
}  // namespace pgtrain
