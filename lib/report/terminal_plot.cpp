#include "report/terminal_plot.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

constexpr int kDotsAcross = 2;
constexpr int kDotsDown = 4;
constexpr int kLeastCanvas = 10;  // characters that labels must leave
constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

// Dots from the top left; a character has 2 by 4 of them.
class Canvas {
 public:
  Canvas(int columns, int rows)
      : columns_(columns), cells_(static_cast<size_t>(columns) * rows, 0) {}

  void set(int x, int y) {
    // Unicode, braille patterns: bits 0-2 are the left column from the top, 3-5 the right one, 6
    // and 7 the bottom row.
    static constexpr int kBits[kDotsDown][kDotsAcross] = {{0, 3}, {1, 4}, {2, 5}, {6, 7}};
    cells_[static_cast<size_t>(y / kDotsDown) * columns_ + x / kDotsAcross] |=
        1U << kBits[y % kDotsDown][x % kDotsAcross];
  }

  std::string line(int row) const {
    std::string text;
    for (int column = 0; column < columns_; ++column)
      append_utf8(text, 0x2800 + cells_[static_cast<size_t>(row) * columns_ + column]);
    return text;
  }

 private:
  int columns_;
  std::vector<char32_t> cells_;
};

struct Span {
  double low = 0;
  double high = 0;

  // 0 at low, 1 at high, in the middle when they are equal. Halves, because high - low may
  // overflow.
  double place(double value) const {
    return low == high ? 0.5 : (value / 2 - low / 2) / (high / 2 - low / 2);
  }
  double middle() const { return low / 2 + high / 2; }
};

// False when no value is finite.
bool find_range(const std::vector<double>& values, Span& range) {
  bool found = false;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    range.low = found ? std::min(range.low, value) : value;
    range.high = found ? std::max(range.high, value) : value;
    found = true;
  }
  return found;
}

// What falls on each of `width` columns of dots: the mean, infinity where only gaps fall, NaN
// where nothing does.
std::vector<double> column_means(const Curve& curve, int width) {
  std::vector<double> means(width, kNothing);
  std::vector<int64_t> counts(width, 0);
  const Span steps = {static_cast<double>(curve.steps.front()),
                      static_cast<double>(curve.steps.back())};
  for (size_t i = 0; i < curve.steps.size(); ++i) {
    const double place = std::clamp(steps.place(static_cast<double>(curve.steps[i])), 0.0, 1.0);
    const auto x = static_cast<size_t>(std::lround(place * (width - 1)));
    if (std::isfinite(curve.values[i])) {
      ++counts[x];
      if (counts[x] == 1) means[x] = 0;
      const auto count = static_cast<double>(counts[x]);
      means[x] += curve.values[i] / count - means[x] / count;
    } else if (counts[x] == 0) {
      means[x] = std::numeric_limits<double>::infinity();
    }
  }
  return means;
}

// From (x0, y0) to (x1, y1), x0 < x1: in each column the dots between its two borders.
void join(Canvas& canvas, int x0, int y0, int x1, int y1) {
  int before = y0;
  for (int x = x0 + 1; x <= x1; ++x) {
    const int y = y0 + static_cast<int>(std::lround(static_cast<double>(y1 - y0) * (x - x0) /
                                                    static_cast<double>(x1 - x0)));
    const int step = y > before ? 1 : -1;
    for (int at = before == y ? y : before + step; at != y; at += step) canvas.set(x, at);
    canvas.set(x, y);
    before = y;
  }
}

void draw(Canvas& canvas, const std::vector<double>& means, const Span& range, int height) {
  int last_x = -1;
  int last_y = 0;
  for (int x = 0; x < static_cast<int>(means.size()); ++x) {
    if (std::isinf(means[x])) last_x = -1;
    if (!std::isfinite(means[x])) continue;
    const double up = std::clamp(range.place(means[x]), 0.0, 1.0);
    const int y = static_cast<int>(std::lround((1 - up) * (height - 1)));
    canvas.set(x, y);
    if (last_x >= 0) join(canvas, last_x, last_y, x, y);
    last_x = x;
    last_y = y;
  }
}

std::string label_of(double value) { return fmt::format("{:.4g}", value); }

// Labels of the first, middle and last of the lines, as far as there are so many.
std::vector<std::string> value_labels(const Span& range, int rows) {
  std::vector<std::string> labels(rows);
  if (range.low == range.high) {
    labels[rows / 2] = label_of(range.low);
    return labels;
  }
  labels.front() = label_of(range.high);
  if (rows > 1) labels.back() = label_of(range.low);
  if (rows >= 5 && rows % 2 == 1) labels[rows / 2] = label_of(range.middle());
  return labels;
}

// The first step at the left, the last one at the right, where both fit.
std::string step_labels(const Curve& curve, int columns) {
  if (curve.empty()) return "";
  const std::string first = std::to_string(curve.steps.front());
  const std::string last = std::to_string(curve.steps.back());
  const int gap = columns - static_cast<int>(first.size() + last.size());
  if (curve.steps.front() != curve.steps.back() && gap >= 1)
    return first + std::string(gap, ' ') + last;
  return static_cast<int>(last.size()) <= columns ? last : "";
}

}  // namespace

std::vector<PlotLine> terminal_plot(const Curve& curve, int columns, int rows) {
  PG_CHECK(columns >= 1 && rows >= 2, "a plot of {} by {}", columns, rows);
  const int height = rows - 1;
  Span range;
  const bool has_values = find_range(curve.values, range);
  std::vector<std::string> labels(height);
  if (has_values) labels = value_labels(range, height);
  size_t label_width = 0;
  for (const std::string& label : labels) label_width = std::max(label_width, label.size());
  const bool has_axis = columns >= static_cast<int>(label_width) + 2 + kLeastCanvas;
  const int width = has_axis ? columns - static_cast<int>(label_width) - 2 : columns;
  Canvas canvas(width, height);
  if (has_values) draw(canvas, column_means(curve, width * kDotsAcross), range, height * kDotsDown);
  std::vector<PlotLine> lines;
  for (int row = 0; row < height; ++row) {
    PlotLine line = {"", canvas.line(row)};
    if (has_axis)
      line.axis = fmt::format("{:>{}} {}", labels[row], label_width,
                              labels[row].empty() ? "\u2502" : "\u2524");
    lines.push_back(line);
  }
  const std::string indent = has_axis ? std::string(label_width + 2, ' ') : "";
  lines.push_back({indent + step_labels(curve, width), ""});
  return lines;
}

Curve smoothed(const Curve& curve, double w) {
  Curve result = curve;
  double mean = 0;
  double weights = 0;
  for (double& value : result.values) {
    if (!std::isfinite(value)) continue;
    weights = w * weights + 1;
    // Kept between the two, where the rounding of huge numbers would give an infinity.
    mean = std::clamp(mean * (1 - 1 / weights) + value / weights, std::min(mean, value),
                      std::max(mean, value));
    value = mean;
  }
  return result;
}

}  // namespace pgtrain
