#include "report/terminal_plot.h"

#include <cmath>
#include <limits>

#include "support/support.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kHuge = std::numeric_limits<double>::max();

Curve curve_of(const std::vector<double>& values) {
  Curve curve;
  for (size_t i = 0; i < values.size(); ++i) curve.steps.push_back(static_cast<int64_t>(i) + 1);
  curve.values = values;
  return curve;
}

// Axis and canvas, a line each.
std::string drawn(const Curve& curve, int columns, int rows) {
  std::string text;
  for (const PlotLine& line : terminal_plot(curve, columns, rows))
    text += line.axis + line.canvas + "\n";
  return text;
}

// Dots that are set in the canvases.
int dots(const Curve& curve, int columns, int rows) {
  int count = 0;
  for (const PlotLine& line : terminal_plot(curve, columns, rows))
    for (const char32_t c : decode_utf8(line.canvas))
      for (uint32_t bits = c - 0x2800; bits != 0; bits >>= 1) count += bits & 1U;
  return count;
}

TEST_CASE("plot: a rising line, by hand", "[plot]") {
  // 2 characters = 4 columns of dots, 1 line = 4 rows: the diagonal. No room for labels.
  CHECK(drawn(curve_of({0, 1, 2, 3}), 2, 2) ==
        "\u2860\u280a\n"
        "4\n");
  CHECK(drawn(curve_of({3, 2, 1, 0}), 2, 2) ==
        "\u2811\u2884\n"
        "4\n");
}

TEST_CASE("plot: labels of values and steps", "[plot]") {
  const std::string plot = drawn(curve_of({0, 1, 2, 3}), 20, 6);
  CHECK(test::contains(plot, "  3 \u2524"));
  CHECK(test::contains(plot, "1.5 \u2524"));
  CHECK(test::contains(plot, "  0 \u2524"));
  CHECK(test::contains(plot, "    \u2502"));
  CHECK(test::contains(plot, "\n     1             4\n"));
}

TEST_CASE("plot: a constant curve is a line in the middle", "[plot]") {
  // 4 columns of dots in row 2 of 4 (bits 2 and 5).
  CHECK(drawn(curve_of({5, 5}), 2, 2) ==
        "\u2824\u2824\n"
        "2\n");
  const std::string plot = drawn(curve_of({5, 5, 5}), 20, 4);
  CHECK(test::contains(plot, "\n5 \u2524"));
}

TEST_CASE("plot: a single point, and none", "[plot]") {
  CHECK(dots(curve_of({7}), 20, 5) == 1);
  CHECK(dots(curve_of({}), 20, 5) == 0);
  CHECK(dots(curve_of({kNan, INFINITY}), 20, 5) == 0);
  CHECK(drawn(curve_of({}), 3, 2) == "\u2800\u2800\u2800\n\n");
}

TEST_CASE("plot: what is not finite is a gap", "[plot]") {
  const int joined = dots(curve_of({1, 1, 1, 1, 1}), 20, 3);
  const int gap = dots(curve_of({1, 1, kNan, 1, 1}), 20, 3);
  const int infinite = dots(curve_of({1, 1, INFINITY, 1, 1}), 20, 3);
  CHECK(joined == 2 * 17);  // 20 characters without the label "1" and the axis
  CHECK(gap < joined);
  CHECK(gap > 0);
  CHECK(infinite == gap);
}

TEST_CASE("plot: many values on a column become their mean", "[plot]") {
  std::vector<double> values;
  for (int i = 0; i < 10'000; ++i) values.push_back(i % 2);
  const std::string plot = drawn(curve_of(values), 30, 6);
  // The mean is 0.5 everywhere: one of the rows of dots, 2 dots for each of 26 characters.
  CHECK(dots(curve_of(values), 30, 6) <= 2 * 27 + 4);
  CHECK(test::contains(plot, "0.5 \u2524"));
}

TEST_CASE("plot: huge values and steps", "[plot]") {
  CHECK(dots(curve_of({-kHuge, kHuge, -kHuge}), 20, 5) > 0);
  Curve curve = curve_of({1, 2, 3});
  curve.steps = {std::numeric_limits<int64_t>::min(), 0, std::numeric_limits<int64_t>::max()};
  CHECK(dots(curve, 20, 5) > 0);
  curve.steps = {5, 100, 2};  // not in order
  CHECK(dots(curve, 20, 5) > 0);
}

TEST_CASE("plot: never wider or higher than asked", "[plot]") {
  const std::vector<Curve> curves = {curve_of({}), curve_of({1}), curve_of({-1.23456e-300, kHuge}),
                                     curve_of({1, kNan, 3, 2, 5})};
  for (const Curve& curve : curves) {
    for (int columns = 1; columns <= 40; ++columns) {
      for (int rows = 2; rows <= 9; ++rows) {
        const auto lines = terminal_plot(curve, columns, rows);
        REQUIRE(static_cast<int>(lines.size()) == rows);
        for (const PlotLine& line : lines)
          REQUIRE(static_cast<int>(decode_utf8(line.axis + line.canvas).size()) <= columns);
      }
    }
  }
}

TEST_CASE("smoothing: by hand, gaps, huge values", "[plot]") {
  // (1), (0.5 + 3) / 1.5, (0.25 + 1.5 + 2) / 1.75
  const Curve curve = smoothed(curve_of({1, 3, 2}), 0.5);
  CHECK(curve.values[0] == 1);
  CHECK(std::abs(curve.values[1] - 7.0 / 3) < 1e-15);
  CHECK(std::abs(curve.values[2] - 15.0 / 7) < 1e-15);
  const Curve gap = smoothed(curve_of({1, kNan, 1}), 0.9);
  CHECK(gap.values[0] == 1);
  CHECK(std::isnan(gap.values[1]));
  CHECK(std::abs(gap.values[2] - 1) < 1e-15);
  for (const double value : smoothed(curve_of({kHuge, kHuge, -kHuge, -kHuge}), 0.9).values)
    CHECK(std::isfinite(value));
}

}  // namespace
}  // namespace pgtrain
