#include "tensor/id_set.h"

#include <algorithm>

#include "support/support.h"

using namespace pgtrain;

TEST_CASE("id set: list and bitmap hold the same ids", "[tensor]") {
  const IdSet few({70, 3, 64}, 100);
  CHECK(few.bytes() == 12);
  std::vector<int32_t> many;
  for (int32_t id = 99; id >= 0; --id)
    if (id % 7 != 0) many.push_back(id);
  const IdSet most(many, 100);
  CHECK(most.bytes() == 16);
  std::vector<int32_t> ids;
  few.list(ids);
  CHECK(ids == std::vector<int32_t>{3, 64, 70});
  most.list(ids);
  std::sort(many.begin(), many.end());
  CHECK(ids == many);
  for (int64_t id = 0; id < 100; ++id) {
    CHECK(few.contains(id) == (id == 3 || id == 64 || id == 70));
    CHECK(most.contains(id) == (id % 7 != 0));
  }
  CHECK(IdSet().is_all());
  CHECK(IdSet().contains(5));
}
