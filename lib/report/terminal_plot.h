// A curve as lines of text: braille patterns, two by four dots a character.
#pragma once

#include <string>
#include <vector>

#include "report/run_record.h"

namespace pgtrain {

struct PlotLine {
  std::string axis;    // labels and the vertical axis
  std::string canvas;  // the curve
};

// `rows` lines (at least 2) of `columns` characters at most (at least 1); no control characters.
// The last line has the first and last step, the others the curve between its least and largest
// value, with as many labels at the left as there is room for. Values that fall on the same column
// of dots become their mean, neighbours are joined; NaN is a gap and an infinity counts as NaN. An
// empty curve, or one without a finite value, gives empty canvases.
std::vector<PlotLine> terminal_plot(const Curve& curve, int columns, int rows);

// Exponential moving average, y_t = (sum over i <= t of w^(t-i) x_i) / (sum of w^(t-i)), without
// the pull towards 0 of the first values. What is not finite is passed over and stays as it is.
Curve smoothed(const Curve& curve, double w);

}  // namespace pgtrain
