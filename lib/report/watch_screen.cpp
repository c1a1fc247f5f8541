#include "report/watch_screen.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "metrics/progress.h"
#include "report/terminal_plot.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

constexpr int kLeastPlotRows = 6;  // title, 4 of the curve, steps
constexpr int kMostPlotRows = 16;
constexpr size_t kSmoothedFrom = 50;
constexpr double kSmoothing = 0.9;

constexpr const char* kBold = "\x1b[1m";
constexpr const char* kPlain = "\x1b[0m";
constexpr std::array<const char*, 5> kColours = {"\x1b[32m", "\x1b[36m", "\x1b[33m", "\x1b[35m",
                                                 "\x1b[34m"};

std::string marked(const std::string& text, const char* mark, bool colour) {
  return colour && !text.empty() ? mark + text + kPlain : text;
}

// The phase that has the column; that of the run's present row first.
const Curve& find_curve(const RunFollower& run, const std::string& column) {
  if (run.is_warming_up()) return run.curve("warmup", column);
  const Curve& training = run.curve("train", column);
  const Curve& evaluation = run.curve("eval", column);
  if (!training.empty()) return training;
  return evaluation.empty() ? run.curve("warmup", column) : evaluation;
}

std::vector<std::string> columns_of(const RunFollower& run) {
  if (run.is_warming_up()) return {"loss"};
  std::vector<std::string> columns;
  for (const char* name : {"reward", "eval_reward", "kl", "entropy", "completions/mean_length"})
    if (!find_curve(run, name).empty()) columns.emplace_back(name);
  return columns;
}

std::string state_line(const RunFollower& run) {
  const ExperimentConfig& config = *run.config();
  const int64_t steps = run.is_warming_up() ? config.warmup.steps : config.train.steps;
  std::string line =
      fmt::format("{} {}/{}", run.is_warming_up() ? "warm-up" : "step", run.step(), steps);
  if (!run.is_warming_up() && run.seconds_per_step()) {
    const double per_step = *run.seconds_per_step();
    line +=
        fmt::format("  {} tok/s  {:.3g} s/step", format_rate(*run.tokens_per_second()), per_step);
    line += run.is_done()
                ? "  done"
                : "  ETA " + format_duration(per_step * static_cast<double>(steps - run.step()));
  }
  return line + "  " + escape_text(run.directory().string());
}

std::string title_of(const std::string& column, const Curve& curve, bool is_smoothed) {
  std::string title = escape_text(column);
  if (curve.empty()) return title + "  no value yet";
  double low = curve.values.back();
  double high = low;
  for (const double value : curve.values) {
    low = std::fmin(low, value);
    high = std::fmax(high, value);
  }
  return title + fmt::format(" {:.4g}  min {:.4g}  max {:.4g}{}", curve.values.back(), low, high,
                             is_smoothed ? "  (curve smoothed)" : "");
}

void add_plot(std::vector<std::string>& screen, const RunFollower& run, const std::string& column,
              TerminalSize size, const char* mark, bool colour) {
  const Curve& curve = find_curve(run, column);
  const bool is_smoothed =
      curve.values.size() >= kSmoothedFrom && &curve != &run.curve("eval", column);
  const std::string title = fit_line(title_of(column, curve, is_smoothed), size.columns);
  screen.push_back(marked(title, kBold, colour));
  for (const PlotLine& line : terminal_plot(is_smoothed ? smoothed(curve, kSmoothing) : curve,
                                            size.columns, size.rows - 1))
    screen.push_back(line.axis + marked(line.canvas, mark, colour));
}

}  // namespace

std::vector<std::string> watch_screen(const RunFollower& run,
                                      const std::vector<std::string>& columns, TerminalSize size,
                                      bool colour) {
  if (run.config() == nullptr)
    return {
        fit_line("waiting for a run in " + escape_text(run.directory().string()), size.columns)};
  std::vector<std::string> screen = {
      marked(fit_line(state_line(run), size.columns), kBold, colour)};
  const std::vector<std::string> shown = columns.empty() ? columns_of(run) : columns;
  const int room = size.rows - 1;
  const int plots = std::min(static_cast<int>(shown.size()), room / kLeastPlotRows);
  if (plots == 0) return screen;
  const TerminalSize plot = {size.columns, std::min(room / plots, kMostPlotRows)};
  for (int i = 0; i < plots; ++i)
    add_plot(screen, run, shown[i], plot, kColours[i % kColours.size()], colour);
  return screen;
}

}  // namespace pgtrain
