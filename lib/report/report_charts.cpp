#include "report/report_charts.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report/svg_axis.h"
#include "report/svg_plot.h"

namespace pgtrain {
namespace {

// A column of the metrics and what it is called beside others of its chart.
struct Source {
  std::string phase;  // "timing" stands for timing.jsonl
  std::string column;
  std::string name;
};

struct Chart {
  std::string title;
  std::string unit;
  std::vector<Source> sources;
};

struct ChartGroup {
  const char* title;
  std::vector<Chart> charts;
};

const Curve& curve_of(const ReportRun& run, const Source& source) {
  if (source.phase == "timing") return run.timing.tokens_per_second;
  return run.record.curve(source.phase, source.column);
}

// The columns PREFIX...SUFFIX that any of the runs has, named by what stands between.
std::vector<Source> family(const std::vector<ReportRun>& runs, const std::string& phase,
                           const std::string& prefix, const std::string& suffix) {
  std::vector<Source> sources;
  std::set<std::string> seen;
  for (const ReportRun& run : runs) {
    const auto columns = run.record.curves.find(phase);
    if (columns == run.record.curves.end()) continue;
    for (const auto& [column, curve] : columns->second) {
      const bool belongs =
          column.size() > prefix.size() + suffix.size() &&
          column.compare(0, prefix.size(), prefix) == 0 &&
          column.compare(column.size() - suffix.size(), suffix.size(), suffix) == 0;
      if (belongs && seen.insert(column).second)
        sources.push_back(
            {phase, column,
             column.substr(prefix.size(), column.size() - prefix.size() - suffix.size())});
    }
  }
  return sources;
}

Chart one(const char* title, const char* unit, const char* column, const char* phase = "train") {
  return {title, unit, {{phase, column, ""}}};
}

Chart both(const char* title, const char* unit, const char* column) {
  return {title,
          unit,
          {{"train", column, "training"}, {"eval", std::string("eval_") + column, "held out"}}};
}

std::vector<ChartGroup> chart_groups(const std::vector<ReportRun>& runs) {
  std::vector<ChartGroup> groups = {
      {"Reward",
       {both("Reward", "", "reward"),
        {"Score parts, training", "before weighting", family(runs, "train", "rewards/", "/mean")},
        {"Score parts, held out", "before weighting",
         family(runs, "eval", "eval_rewards/", "/mean")},
        both("Spread of the reward", "standard deviation", "reward_std"),
        one("Groups with equal rewards", "share", "frac_reward_zero_std")}},
      {"Learning",
       {one("Loss", "", "loss"),
        {"Entropy", "nats a token", {{"train", "entropy", ""}}},
        one("KL from the reference", "nats a token", "kl"),
        one("Weight of the KL penalty", "", "kl_coef"),
        one("KL from the sampling policy", "nats a token", "approx_kl"),
        one("Gradient norm", "before clipping", "grad_norm"),
        {"Clipped ratios",
         "share of tokens",
         {{"train", "clip_ratio/region_mean", "all"},
          {"train", "clip_ratio/low_mean", "below"},
          {"train", "clip_ratio/high_mean", "above"}}},
        one("Largest ratio", "", "ratio/max"),
        one("Value loss", "", "value_loss"),
        one("Explained variance", "", "explained_variance"),
        one("Supervised loss", "nats a token", "supervised_loss"),
        one("Learning rate", "", "learning_rate"),
        one("Warm-up loss", "nats a token", "loss", "warmup")}},
      {"Completions",
       {both("Mean length", "tokens", "completions/mean_length"),
        both("Longest", "tokens", "completions/max_length"),
        both("Cut at the limit", "share", "completions/clipped_ratio")}},
      {"Speed", {one("Throughput", "tokens a second", "", "timing")}},
  };
  return groups;
}

PlotSeries plot_line(const Curve& curve, const std::string& name, int style) {
  PlotSeries line;
  line.name = name;
  line.style = style;
  line.x.assign(curve.steps.begin(), curve.steps.end());
  line.y = curve.values;
  return line;
}

double last_finite(const std::vector<double>& values) {
  const auto found =
      std::find_if(values.rbegin(), values.rend(), [](double v) { return std::isfinite(v); });
  return found == values.rend() ? std::nan("") : *found;
}

// Which line is what, with its last value.
Html legend(const std::vector<PlotSeries>& lines) {
  Html items;
  for (const PlotSeries& line : lines) {
    const double last = last_finite(line.y);
    if (std::isnan(last)) continue;
    const Html name =
        lines.size() == 1 ? text("last") : Html{line_key(line.style), text(line.name)};
    items +=
        element("li", {}, {name, Html::markup(" "), element("b", {}, text(format_value(last)))});
  }
  return element("ul", {{"class", "legend"}}, items);
}

Html figure(const Chart& chart, const std::vector<PlotSeries>& lines, bool has_legend) {
  Plot plot;
  plot.title = chart.title;
  plot.x_label = "step";
  plot.lines = lines;
  const Html picture = svg_plot(plot);
  if (picture.empty()) return {};
  const Html unit =
      chart.unit.empty() ? Html() : element("span", {{"class", "unit"}}, text(chart.unit));
  const Html caption = element("figcaption", {},
                               {element("strong", {}, text(chart.title)), Html::markup(" "), unit});
  return element("figure", {{"class", "chart"}},
                 {caption, has_legend ? legend(lines) : Html(), picture});
}

Html run_legend(const std::vector<ReportRun>& runs) {
  Html items;
  for (size_t i = 0; i < runs.size(); ++i)
    items += element("li", {}, {line_key(static_cast<int>(i)), text(runs[i].name)});
  return element("ul", {{"class", "legend"}}, items);
}

Html chart_of_run(const Chart& chart, const ReportRun& run) {
  std::vector<PlotSeries> lines;
  for (const Source& source : chart.sources) {
    const Curve& curve = curve_of(run, source);
    if (!curve.empty())
      lines.push_back(plot_line(curve, source.name.empty() ? chart.title : source.name,
                                static_cast<int>(lines.size())));
  }
  return figure(chart, lines, true);
}

Html charts_over_runs(const Chart& chart, const std::vector<ReportRun>& runs) {
  Html out;
  for (const Source& source : chart.sources) {
    std::vector<PlotSeries> lines;
    for (size_t i = 0; i < runs.size(); ++i)
      lines.push_back(plot_line(curve_of(runs[i], source), runs[i].name, static_cast<int>(i)));
    Chart single = chart;
    if (!source.name.empty()) single.title += ": " + source.name;
    out += figure(single, lines, false);
  }
  return out;
}

}  // namespace

Html line_key(int style) {
  return element("svg", {{"class", "key"}, {"viewBox", "0 0 22 8"}, {"aria-hidden", "true"}},
                 element("path", {{"class", fmt::format("line s{} d{}", style % 7, style / 7 % 3)},
                                  {"d", "M1 4h20"}}));
}

Html charts_of(const std::vector<ReportRun>& runs) {
  Html out = runs.size() == 1 ? Html() : run_legend(runs);
  for (const ChartGroup& group : chart_groups(runs)) {
    Html figures;
    for (const Chart& chart : group.charts)
      figures += runs.size() == 1 ? chart_of_run(chart, runs[0]) : charts_over_runs(chart, runs);
    if (figures.empty()) continue;
    out += element("h3", {}, text(group.title));
    out += element("div", {{"class", "charts"}}, figures);
  }
  return out;
}

}  // namespace pgtrain
