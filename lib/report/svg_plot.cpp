#include "report/svg_plot.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "report/svg_axis.h"

namespace pgtrain {
namespace {

constexpr double kWidth = 360;
constexpr double kHeight = 200;
constexpr double kRight = kWidth - 10;
constexpr double kTop = 8;
constexpr double kBottom = kHeight - 34;
constexpr double kDigitWidth = 6.2;  // of the tick labels, at the size that the style sheet gives
constexpr double kLargest = 1e300;   // beyond it, distances would overflow
constexpr int kTicks = 5;
constexpr size_t kMaxDots = 30;
constexpr int kMaxBins = 24;

std::string number(double value) {
  std::string text = fmt::format("{:.1f}", value);
  if (text.size() > 2 && text.substr(text.size() - 2) == ".0") text.resize(text.size() - 2);
  return text;
}

struct Range {
  double low = 0;
  double high = 0;
  bool empty = true;
  bool is_whole = false;  // has whole numbers only

  void add(double value) {
    if (!std::isfinite(value)) return;
    value = std::clamp(value, -kLargest, kLargest);
    low = empty ? value : std::min(low, value);
    high = empty ? value : std::max(high, value);
    empty = false;
  }
};

// A little air around the values; a constant gets a range that shows it in the middle.
Range with_air(Range range) {
  const double spread = range.high - range.low;
  const double size = std::max(std::abs(range.low), std::abs(range.high));
  const double air = spread > 1e-9 * size && spread > 1e-290 ? 0.05 * spread
                     : size > 1e-290                         ? 0.1 * size
                                                             : 1;
  const bool starts_at_zero = range.low >= 0 && range.low < air;
  range.low = starts_at_zero ? 0 : range.low - air;
  range.high += air;
  return range;
}

// Data ranges and the rectangle of the page that shows them.
struct Frame {
  Range x;
  Range y;
  double left = 0;

  double at_x(double value) const {
    return left + (value - x.low) / (x.high - x.low) * (kRight - left);
  }
  double at_y(double value) const {
    value = std::clamp(value, y.low, y.high);
    return kBottom - (value - y.low) / (y.high - y.low) * (kBottom - kTop);
  }
};

Html svg_text(double x, double y, const char* css_class, const std::string& content) {
  return element("text", {{"x", number(x)}, {"y", number(y)}, {"class", css_class}},
                 plain_text(content));
}

Html svg_line(double x1, double y1, double x2, double y2, const char* css_class) {
  return element("line", {{"x1", number(x1)},
                          {"y1", number(y1)},
                          {"x2", number(x2)},
                          {"y2", number(y2)},
                          {"class", css_class}});
}

std::vector<double> ticks_of(const Range& range) {
  auto ticks = axis_ticks(range.low, range.high, kTicks);
  const auto is_between = [&](double tick) { return range.is_whole && tick != std::round(tick); };
  ticks.erase(std::remove_if(ticks.begin(), ticks.end(), is_between), ticks.end());
  return ticks;
}

double label_width(const std::vector<std::string>& labels) {
  size_t longest = 0;
  for (const std::string& label : labels) longest = std::max(longest, label.size());
  return kDigitWidth * static_cast<double>(longest);
}

// Lays out the left margin for the labels of y, and draws grid, labels and axis.
Html axes(Frame& frame, const std::string& x_label) {
  const auto y_ticks = ticks_of(frame.y);
  const auto y_labels = tick_labels(y_ticks);
  frame.left = label_width(y_labels) + 8;
  Html out;
  for (size_t i = 0; i < y_ticks.size(); ++i) {
    const double y = frame.at_y(y_ticks[i]);
    out += svg_line(frame.left, y, kRight, y, "grid");
    out += svg_text(frame.left - 6, y + 3.5, "ty", y_labels[i]);
  }
  const auto x_ticks = ticks_of(frame.x);
  const auto x_labels = tick_labels(x_ticks);
  for (size_t i = 0; i < x_ticks.size(); ++i) {
    const double x = frame.at_x(x_ticks[i]);
    out += svg_line(x, kBottom, x, kBottom + 4, "axis");
    out += svg_text(x, kBottom + 15, "tx", x_labels[i]);
  }
  out += svg_line(frame.left, kBottom, kRight, kBottom, "axis");
  out += svg_text(kRight, kHeight - 4, "tl", x_label);
  return out;
}

// "M1,2L3,4": one piece between gaps after the other; a piece of one point is a dot.
std::string path_data(const PlotSeries& line, const std::vector<size_t>& points,
                      const Frame& frame) {
  std::string out;
  bool is_open = false;
  for (size_t i = 0; i < points.size(); ++i) {
    const size_t p = points[i];
    if (!std::isfinite(line.y[p])) {
      is_open = false;
      continue;
    }
    const bool ends = i + 1 == points.size() || !std::isfinite(line.y[points[i + 1]]);
    out +=
        (is_open ? "L" : "M") + number(frame.at_x(line.x[p])) + "," + number(frame.at_y(line.y[p]));
    if (!is_open && ends) out += "h0";
    is_open = true;
  }
  return out;
}

std::string dots_data(const PlotSeries& line, const std::vector<size_t>& points,
                      const Frame& frame) {
  std::string out;
  for (const size_t p : points)
    if (std::isfinite(line.y[p]))
      out += "M" + number(frame.at_x(line.x[p])) + "," + number(frame.at_y(line.y[p])) + "h0";
  return out;
}

std::string points_data(const PlotSeries& line, const std::vector<size_t>& points) {
  std::string out;
  for (const size_t p : points)
    if (std::isfinite(line.y[p]))
      out += fmt::format("{}{:.12g},{:.6g}", out.empty() ? "" : " ", line.x[p], line.y[p]);
  return out;
}

std::string style_classes(const std::string& first, int style) {
  return fmt::format("{} s{} d{}", first, style % 7, style / 7 % 3);
}

Html draw(const PlotSeries& line, const Frame& frame) {
  const auto points =
      thin_out(line, frame.x.low, frame.x.high, static_cast<int>(kRight - frame.left));
  Html out = element("path", {{"class", style_classes("line", line.style)},
                              {"d", path_data(line, points, frame)},
                              {"data-name", line.name},
                              {"data-points", points_data(line, points)}});
  if (points.size() <= kMaxDots)
    out += element("path", {{"class", style_classes("dots", line.style)},
                            {"d", dots_data(line, points, frame)}});
  return out;
}

bool has_value(const PlotSeries& line) {
  return std::any_of(line.y.begin(), line.y.end(), [](double y) { return std::isfinite(y); });
}

// "reward: 100 points from 0.2 to 0.9, at last 0.85": what a listener gets instead of the picture.
std::string describe(const PlotSeries& line) {
  Range range;
  double last = 0;
  int64_t count = 0;
  for (const double y : line.y) {
    range.add(y);
    if (!std::isfinite(y)) continue;
    last = y;
    ++count;
  }
  return fmt::format("{}: {} points from {} to {}, the last {}", line.name, count,
                     format_value(range.low), format_value(range.high), format_value(last));
}

Html picture(const std::string& title, const std::string& description, const Frame& frame,
             const Html& content) {
  return element("svg",
                 {{"xmlns", "http://www.w3.org/2000/svg"},
                  {"class", "plot"},
                  {"viewBox", fmt::format("0 0 {} {}", kWidth, kHeight)},
                  {"role", "img"},
                  {"data-range", fmt::format("{:.12g} {:.12g} {:.12g} {:.12g} {:.1f} {} {} {}",
                                             frame.x.low, frame.x.high, frame.y.low, frame.y.high,
                                             frame.left, kRight, kTop, kBottom)}},
                 {element("title", {}, plain_text(title)),
                  element("desc", {}, plain_text(description)), content});
}

}  // namespace

std::vector<size_t> thin_out(const PlotSeries& line, double low, double high, int columns) {
  std::vector<size_t> all;
  for (size_t i = 0; i < line.x.size(); ++i) all.push_back(i);
  if (all.size() <= static_cast<size_t>(4 * columns)) return all;
  const auto column_of = [&](size_t i) {
    return std::min(columns - 1, static_cast<int>((line.x[i] - low) / (high - low) * columns));
  };
  std::vector<size_t> kept;
  for (size_t begin = 0; begin < all.size();) {
    size_t end = begin;
    std::vector<size_t> finite;
    std::vector<size_t> chosen;
    for (; end < all.size() && column_of(end) == column_of(begin); ++end) {
      if (std::isfinite(line.y[end]))
        finite.push_back(end);
      else if (chosen.empty())
        chosen.push_back(end);
    }
    if (!finite.empty()) {
      const auto by_value = [&](size_t a, size_t b) { return line.y[a] < line.y[b]; };
      const auto [lowest, highest] = std::minmax_element(finite.begin(), finite.end(), by_value);
      chosen.insert(chosen.end(), {finite.front(), *lowest, *highest, finite.back()});
    }
    std::sort(chosen.begin(), chosen.end());
    kept.insert(kept.end(), chosen.begin(), std::unique(chosen.begin(), chosen.end()));
    begin = end;
  }
  return kept;
}

Html svg_plot(const Plot& plot) {
  Frame frame;
  for (const PlotSeries& line : plot.lines) {
    if (!has_value(line)) continue;
    for (const double x : line.x) frame.x.add(x);
    for (const double y : line.y) frame.y.add(y);
  }
  if (frame.y.empty) return {};
  frame.y = with_air(frame.y);
  if (frame.x.low == frame.x.high) {
    frame.x.low -= 1;
    frame.x.high += 1;
  }
  frame.x.is_whole = true;
  Html content = axes(frame, plot.x_label);
  std::string description;
  for (const PlotSeries& line : plot.lines) {
    if (!has_value(line)) continue;
    content += draw(line, frame);
    description += (description.empty() ? "" : "; ") + describe(line);
  }
  return picture(plot.title, description, frame, content);
}

Html svg_histogram(const std::string& title, const std::string& x_label,
                   const std::vector<double>& values) {
  Range range;
  for (const double value : values) range.add(value);
  if (range.empty) return {};
  if (range.low == range.high) range = with_air(range);
  const auto limits = axis_ticks(range.low, range.high, kMaxBins);
  const double step = limits.size() > 1 ? limits[1] - limits[0] : range.high - range.low;
  const double first = limits[0] > range.low ? limits[0] - step : limits[0];
  std::vector<double> counts;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    const double place = std::max(0.0, (std::clamp(value, -kLargest, kLargest) - first) / step);
    const auto bin = static_cast<size_t>(std::min(place + 1e-9, 2.0 * kMaxBins));
    if (bin >= counts.size()) counts.resize(bin + 1);
    ++counts[bin];
  }
  Frame frame;
  frame.x.add(first);
  frame.x.add(first + step * static_cast<double>(counts.size()));
  frame.y.is_whole = true;
  frame.y.add(0);
  frame.y.add(1.05 * *std::max_element(counts.begin(), counts.end()));
  Html content = axes(frame, x_label);
  std::string description;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const double low = first + step * static_cast<double>(i);
    const double left = frame.at_x(low) + 0.5;
    const std::string label =
        fmt::format("{} to {}: {}", format_value(low), format_value(low + step), counts[i]);
    content += element("rect",
                       {{"class", "column"},
                        {"x", number(left)},
                        {"y", number(frame.at_y(counts[i]))},
                        {"width", number(std::max(0.5, frame.at_x(low + step) - 0.5 - left))},
                        {"height", number(kBottom - frame.at_y(counts[i]))}},
                       element("title", {}, plain_text(label)));
    description += (description.empty() ? "" : "; ") + label;
  }
  return picture(title, description, frame, content);
}

}  // namespace pgtrain
