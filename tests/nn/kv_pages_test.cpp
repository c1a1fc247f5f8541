#include "nn/kv_pages.h"

#include "support/support.h"

using namespace pgtrain;

TEST_CASE("pages: texts share full pages and copy the last one when they part", "[nn]") {
  PagePool<float> pool(2 * kPagePositions);
  PagedText<float> text;
  for (int64_t i = 0; i < kPagePositions + 3; ++i)
    text.extend(pool)[i % kPagePositions] = static_cast<float>(i);
  CHECK(text.length() == kPagePositions + 3);
  CHECK(pool.pages_in_use() == 2);
  PagedText<float> other = text.copy(pool);
  CHECK(pool.pages_in_use() == 2);
  other.extend(pool)[3] = 100;
  CHECK(pool.pages_in_use() == 3);
  text.extend(pool)[3] = 200;
  CHECK(pool.pages_in_use() == 3);
  CHECK(text.pages()[0] == other.pages()[0]);
  CHECK(text.pages()[1][2] == other.pages()[1][2]);
  CHECK(text.pages()[1][3] == 200);
  CHECK(other.pages()[1][3] == 100);
  text.release(pool);
  CHECK(text.length() == 0);
  CHECK(other.pages()[0][5] == 5);
  CHECK(pool.pages_in_use() == 2);
  other.release(pool);
  CHECK(pool.pages_in_use() == 0);
}

TEST_CASE("pages: released pages are used again", "[nn]") {
  PagePool<double> pool(kPagePositions);
  std::vector<int64_t> pages;
  for (int i = 0; i < 100; ++i) pages.push_back(pool.take());
  for (const int64_t page : pages) *pool.data(page) = static_cast<double>(page);
  for (const int64_t page : pages) CHECK(*pool.data(page) == static_cast<double>(page));
  const int64_t highest = *std::max_element(pages.begin(), pages.end());
  for (const int64_t page : pages) pool.release(page);
  for (int i = 0; i < 100; ++i) CHECK(pool.take() <= highest + 50);
}
