#include "metrics/meter.h"

#include <cmath>
#include <limits>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::close;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST_CASE("meter: by hand", "[metrics]") {
  // 2 4 4 4 5 5 7 9: mean 5, squares 9+1+1+1+0+0+4+16 = 32, sample variance 32/7.
  const Stats stats = summarize({2, 4, 4, 4, 5, 5, 7, 9});
  CHECK(stats.count == 8);
  CHECK(close(stats.mean, 5));
  CHECK(close(stats.std, std::sqrt(32.0 / 7)));
  CHECK((stats.min == 2 && stats.max == 9));
}

TEST_CASE("meter: a weight counts how often the value occurred", "[metrics]") {
  Meter weighted;
  weighted.add(1.5, 3);
  weighted.add(-2, 0);  // ignored, also by min
  weighted.add(4, 2);
  Meter repeated;
  for (const double x : {1.5, 1.5, 1.5, 4.0, 4.0}) repeated.add(x);
  CHECK(weighted.count() == 2);
  CHECK(weighted.weight() == 5);
  CHECK(close(weighted.sum(), 12.5));
  CHECK(close(weighted.mean(), 2.5));
  CHECK(close(weighted.std(), repeated.std()));
  // squares 3*1 + 2*2.25 = 7.5, over 4
  CHECK(close(weighted.std(), std::sqrt(7.5 / 4)));
  CHECK((weighted.min() == 1.5 && weighted.max() == 4));
}

TEST_CASE("meter: none and one value", "[metrics]") {
  Meter meter;
  CHECK((meter.count() == 0 && meter.mean() == 0 && meter.std() == 0 && meter.min() == 0 &&
         meter.max() == 0));
  meter.add(-3);
  CHECK((meter.mean() == -3 && meter.std() == 0 && meter.min() == -3 && meter.max() == -3));
  meter.reset();
  CHECK(meter.count() == 0);
  CHECK(summarize({}).count == 0);
}

TEST_CASE("meter: a large offset does not cancel", "[metrics]") {
  // 1e9 + {4, 7, 13, 16}: sample variance 30; the naive sum of squares would lose it.
  CHECK(close(summarize({1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}).std, std::sqrt(30.0)));
}

TEST_CASE("meter: a NaN at any position shows in every statistic", "[metrics]") {
  for (const auto& values : {std::vector<double>{kNan, 1, 2}, {1, kNan, 2}, {1, 2, kNan}}) {
    Meter meter;
    for (const double x : values) meter.add(x);
    CHECK(std::isnan(meter.mean()));
    CHECK(std::isnan(meter.std()));
    CHECK(std::isnan(meter.min()));
    CHECK(std::isnan(meter.max()));
    CHECK(std::isnan(meter.sum()));
  }
}

TEST_CASE("meter: a negative or non-finite weight is a programming error", "[metrics]") {
  Meter meter;
  CHECK_THROWS_AS(meter.add(1, -1), InternalError);
  CHECK_THROWS_AS(meter.add(1, kNan), InternalError);
}

}  // namespace
}  // namespace pgtrain
