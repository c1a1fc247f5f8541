// Curves as one SVG picture that needs no script: axes, gaps, accessible text. Colours come from
// the page's style sheet: a line of style i has the classes s<i % 7> and d<i / 7 % 3> (dashes).
#pragma once

#include <string>
#include <vector>

#include "report/html.h"

namespace pgtrain {

struct PlotSeries {
  std::string name;
  int style = 0;          // from 0; lines of different styles look different
  std::vector<double> x;  // whole numbers, rising
  std::vector<double> y;  // as many; not finite = a gap
};

struct Plot {
  std::string title;
  std::string x_label;
  std::vector<PlotSeries> lines;  // those without points are left out
};

// The picture, 360 x 200 units. Lines of more than a few points a unit of width are thinned out to
// the first, lowest, highest and last point of each column, so that the size does not grow with the
// run. Each <path class="line"> tells in data-name and data-points ("x,y x,y", exact to six digits)
// what it draws, and the <svg> in data-range where ("x0 x1 y0 y1 left right top bottom"), for
// scripts. Empty when no line has a finite point.
Html svg_plot(const Plot& plot);

// Values in bins of equal width with round limits as bars, 360 x 200 units. Values that are not
// finite are left out; empty when nothing remains.
Html svg_histogram(const std::string& title, const std::string& x_label,
                   const std::vector<double>& values);

// Positions of the points that are drawn of a line: all, or per column (of `columns` equal ones
// over [low, high]) the first, lowest, highest and last finite one and one of each gap. Rising.
std::vector<size_t> thin_out(const PlotSeries& line, double low, double high, int columns);

}  // namespace pgtrain
