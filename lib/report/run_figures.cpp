#include "report/run_figures.h"

#include <spdlog/fmt/fmt.h>

#include "report/svg_axis.h"

namespace pgtrain {

std::string Ends::shown() const { return format_value(first) + " \u2192 " + format_value(last); }

Ends ends_of(const Curve& curve) {
  Ends ends;
  for (const double value : curve.values) {
    if (!std::isfinite(value)) continue;
    if (!ends.any()) ends.first = value;
    ends.last = value;
  }
  return ends;
}

BestEvaluation best_evaluation(const RunRecord& run) {
  const Curve& curve = run.curve("eval", "eval_reward");
  BestEvaluation best;
  for (size_t i = 0; i < curve.values.size(); ++i)
    if (std::isfinite(curve.values[i]) && (best.step < 0 || curve.values[i] > best.reward))
      best = {curve.values[i], curve.steps[i]};
  return best;
}

std::string progress_of(const RunRecord& run) {
  return fmt::format("{} of {}", format_count(static_cast<double>(run.step)),
                     format_count(static_cast<double>(run.config.train.steps)));
}

std::string completion_of(const RunRecord& run) {
  return run.is_finished ? "finished" : "not finished";
}

int64_t last_tenth_after(const RunRecord& run) { return run.step - (run.step + 9) / 10; }

double tokens_of(const RunRecord& run) { return ends_of(run.curve("train", "num_tokens")).last; }

}  // namespace pgtrain
