#include "report/svg_plot.h"

#include "report/svg_axis.h"
#include "support/support.h"

namespace pgtrain {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Doubles = std::vector<double>;
using Texts = std::vector<std::string>;

void check_ticks(double low, double high, int count, const Doubles& expected) {
  const Doubles ticks = axis_ticks(low, high, count);
  REQUIRE(ticks.size() == expected.size());
  for (size_t i = 0; i < ticks.size(); ++i) CHECK(test::close(ticks[i], expected[i]));
}

PlotSeries line_of(const Doubles& y) {
  PlotSeries line;
  line.name = "reward";
  for (size_t i = 0; i < y.size(); ++i) line.x.push_back(static_cast<double>(i + 1));
  line.y = y;
  return line;
}

Plot plot_of(std::vector<PlotSeries> lines) { return {"Reward", "step", std::move(lines)}; }

// The value of the first attribute `name` after `from`.
std::string attribute(const std::string& svg, const std::string& name, const std::string& from) {
  const size_t at = svg.find(" " + name + "=\"", svg.find(from));
  if (at == std::string::npos) return "(missing)";
  const size_t begin = at + name.size() + 3;
  return svg.substr(begin, svg.find('"', begin) - begin);
}

TEST_CASE("plot: ticks by hand", "[report]") {
  check_ticks(0, 1, 5, {0, 0.5, 1});  // steps of 0.2 would be six
  check_ticks(0, 1, 6, {0, 0.2, 0.4, 0.6, 0.8, 1});
  check_ticks(0.13, 0.87, 5, {0.2, 0.4, 0.6, 0.8});
  check_ticks(-3, 7, 5, {-2, 0, 2, 4, 6});
  check_ticks(0, 300, 5, {0, 100, 200, 300});
  check_ticks(1e-5, 4e-5, 5, {1e-5, 2e-5, 3e-5, 4e-5});
  CHECK(axis_ticks(1, 1 + 1e-15, 5).size() <= 5);
  CHECK(axis_ticks(-1e300, 1e300, 5).size() == 5);
  for (const double low : {0.0, 0.37, -12.5, 1e6, -1e-7})
    for (const double width : {1e-3, 0.7, 1.0, 3.3, 9.99, 1234.0, 1e9}) {
      const Doubles ticks = axis_ticks(low, low + width, 5);
      CHECK(!ticks.empty());
      CHECK(ticks.size() <= 5);
      CHECK(ticks.front() >= low - 1e-9 * width);
      CHECK(ticks.back() <= low + width * (1 + 1e-9));
    }
}

TEST_CASE("plot: labels and values by hand", "[report]") {
  CHECK(tick_labels({0, 0.5, 1}) == Texts{"0", "0.5", "1.0"});
  CHECK(tick_labels({-0.05, 0, 0.05}) == Texts{"-0.05", "0", "0.05"});
  CHECK(tick_labels({0, 10000, 20000}) == Texts{"0", "10k", "20k"});
  CHECK(tick_labels({0, 2500000}) == Texts{"0", "2.5M"});
  CHECK(tick_labels({1e-5, 2e-5}) == Texts{"1e-05", "2e-05"});
  CHECK(tick_labels({1e300}) == Texts{"1e+300"});
  CHECK(format_value(0.61823) == "0.6182");
  CHECK(format_value(-0.02) == "-0.0200");
  CHECK(format_value(22.586) == "22.59");
  CHECK(format_value(1) == "1");
  CHECK(format_value(-0.0) == "0");
  CHECK(format_value(1.5e-5) == "1.5e-05");
  CHECK(format_value(12345.6) == "12,346");
  CHECK(format_value(-1e18) == "-1e+18");
  CHECK(format_value(kNan) == "not finite");
  CHECK(format_count(1234567) == "1,234,567");
  CHECK(format_count(-999) == "-999");
}

TEST_CASE("plot: a curve is where its values are", "[report]") {
  const std::string svg = svg_plot(plot_of({line_of({0, 1, 0.5})})).bytes();
  CHECK(attribute(svg, "data-points", "<path") == "1,0 2,1 3,0.5");
  CHECK(attribute(svg, "data-name", "<path") == "reward");
  // The value axis goes from 0 (nothing negative near it) to 5 % above 1.
  CHECK(attribute(svg, "data-range", "<svg").rfind("1 3 0 1.05 ", 0) == 0);
  const std::string path = attribute(svg, "d", "<path");
  CHECK(path.find("M") == 0);
  CHECK(std::count(path.begin(), path.end(), 'L') == 2);
  CHECK(path.substr(path.find(',') + 1, path.find('L') - path.find(',') - 1) == "166");
  CHECK(test::contains(svg, "<title>Reward</title>"));
  CHECK(test::contains(svg, "<desc>reward: 3 points from 0 to 1, the last 0.5000</desc>"));
}

TEST_CASE("plot: gaps, single points, constants, nothing", "[report]") {
  const auto path = [](const Doubles& y) {
    return attribute(svg_plot(plot_of({line_of(y)})).bytes(), "d", "<path");
  };
  const std::string gap = path({1, 2, kNan, 3, kNan, 4, 5});
  CHECK(std::count(gap.begin(), gap.end(), 'M') == 3);
  CHECK(std::count(gap.begin(), gap.end(), 'L') == 2);
  CHECK(test::contains(gap, "h0M"));  // the 3 between two gaps is a dot
  CHECK(test::contains(path({0.25}), "h0"));
  const std::string constant = path({2, 2, 2});
  CHECK(std::count(constant.begin(), constant.end(), 'L') == 2);
  CHECK(svg_plot(plot_of({})).empty());
  CHECK(svg_plot(plot_of({line_of({})})).empty());
  CHECK(svg_plot(plot_of({line_of({kNan, kNan})})).empty());
  const double infinity = std::numeric_limits<double>::infinity();
  for (const Doubles& y : {Doubles{1e308, -1e308}, Doubles{infinity, 1}, Doubles{1e-320, 0},
                           Doubles{1, 1 + 1e-16}, Doubles{5e-324}})
    for (const char* broken : {"nan", "inf"}) CHECK_FALSE(test::contains(path(y), broken));
}

TEST_CASE("plot: names in a picture are escaped", "[report]") {
  PlotSeries line = line_of({1, 2});
  line.name = "\"></path><script>\u202E";
  Plot plot = plot_of({line});
  plot.title = "</title><b>";
  const std::string svg = svg_plot(plot).bytes();
  CHECK_FALSE(test::contains(svg, "<script"));
  CHECK_FALSE(test::contains(svg, "<b>"));
  CHECK_FALSE(test::contains(svg, "\u202E"));
}

TEST_CASE("plot: thinning keeps ends, extremes and gaps", "[report]") {
  PlotSeries line;
  for (int i = 0; i < 100000; ++i) {
    line.x.push_back(i);
    line.y.push_back(std::sin(i * 0.001));
  }
  line.y[12345] = 9;
  line.y[54321] = -9;
  line.y[77777] = kNan;
  const auto kept = thin_out(line, 0, 99999, 300);
  CHECK(kept.size() <= 1201);
  CHECK(std::is_sorted(kept.begin(), kept.end()));
  for (const size_t must : {0, 12345, 54321, 77777, 99999})
    CHECK(std::binary_search(kept.begin(), kept.end(), must));
  CHECK(svg_plot(plot_of({line})).bytes().size() < 60000);
  CHECK(thin_out(line_of({3, 1, 2}), 1, 3, 300) == std::vector<size_t>{0, 1, 2});
}

TEST_CASE("plot: many lines differ by colour and dashes", "[report]") {
  std::vector<PlotSeries> lines(3, line_of({1, 2}));
  lines[1].style = 6;
  lines[2].style = 8;
  const std::string svg = svg_plot(plot_of(lines)).bytes();
  for (const char* classes : {"\"line s0 d0\"", "\"line s6 d0\"", "\"line s1 d1\""})
    CHECK(test::contains(svg, classes));
}

TEST_CASE("histogram: by hand", "[report]") {
  const std::string svg = svg_histogram("Rewards", "reward", {0, 0.1, 0.1, 1, kNan}).bytes();
  // 24 bins at most: steps of 0.05.
  CHECK(test::contains(svg, "<title>0 to 0.0500: 1</title>"));
  CHECK(test::contains(svg, "<title>0.1000 to 0.1500: 2</title>"));
  CHECK(test::contains(svg, "<title>1 to 1.0500: 1</title>"));
  CHECK(svg_histogram("Rewards", "reward", {}).empty());
  CHECK(svg_histogram("Rewards", "reward", {kNan}).empty());
  CHECK(test::contains(svg_histogram("Rewards", "reward", Doubles(30, 0.5)).bytes(), ": 30<"));
  CHECK_FALSE(svg_histogram("Rewards", "reward", {-1e308, 1e308}).empty());
}

}  // namespace
}  // namespace pgtrain
