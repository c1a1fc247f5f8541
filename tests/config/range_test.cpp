#include "config/range.h"

#include "support/support.h"

namespace pgtrain {
namespace {

TEST_CASE("range: each kind contains exactly its interval", "[config]") {
  CHECK(at_least(1).contains(int64_t{1}));
  CHECK_FALSE(at_least(1).contains(int64_t{0}));
  CHECK_FALSE(above(0).contains(0.0));
  CHECK(above(0).contains(5e-324));
  CHECK(at_most(2).contains(2.0));
  CHECK_FALSE(below(2).contains(2.0));
  CHECK(below(2).contains(int64_t{1}));
  CHECK((between(0, 1).contains(0.0) && between(0, 1).contains(1.0)));
  CHECK_FALSE(between(0, 1).contains(1.0000000000000002));
  CHECK((!open_closed(0, 1).contains(0.0) && open_closed(0, 1).contains(1.0)));
  CHECK((closed_open(0, 1).contains(0.0) && !closed_open(0, 1).contains(1.0)));
  CHECK((!open_open(0, 1).contains(0.0) && !open_open(0, 1).contains(1.0)));
  CHECK(Range().contains(-1e308));
}

TEST_CASE("range: 64-bit limits are exact", "[config]") {
  const int64_t limit = (int64_t{1} << 62) + 1;  // no double
  CHECK(at_most(limit).contains(limit));
  CHECK_FALSE(at_most(limit).contains(limit + 1));
  CHECK_FALSE(at_least(limit).contains(limit - 1));
}

TEST_CASE("range: a real limit fits an integer option", "[config]") {
  CHECK(between(0.5, 3.5).contains(int64_t{3}));
  CHECK_FALSE(between(0.5, 3.5).contains(int64_t{4}));
}

TEST_CASE("range: the text is what a message says after 'must be'", "[config]") {
  CHECK(at_least(1).text() == "at least 1");
  CHECK(above(0.0).text() == "above 0.0");
  CHECK(between(1, int64_t{64}).text() == "from 1 to 64");
  CHECK(open_closed(0, 1).text() == "above 0 and at most 1");
  CHECK(closed_open(0, 0.5).text() == "at least 0 and below 0.5");
  CHECK(at_most(3).text() == "at most 3");
  CHECK(Range().text().empty());
}

}  // namespace
}  // namespace pgtrain
