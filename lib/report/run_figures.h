// The few numbers that say how a run went.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "report/run_record.h"

namespace pgtrain {

// First and last finite value of a curve; NaN without any.
struct Ends {
  double first = std::nan("");
  double last = std::nan("");

  bool any() const { return !std::isnan(first); }
  std::string shown() const;  // "0.6175 -> 1" with an arrow
};

Ends ends_of(const Curve& curve);

// The first evaluation with the highest reward, as the trainer chooses it; step -1 without any.
struct BestEvaluation {
  double reward = 0;
  int64_t step = -1;
};

BestEvaluation best_evaluation(const RunRecord& run);

// "300 of 300" steps; "finished" or "not finished".
std::string progress_of(const RunRecord& run);
std::string completion_of(const RunRecord& run);

// The step before the last tenth of those made: what follows shows what the policy writes now.
int64_t last_tenth_after(const RunRecord& run);

// Generated tokens; NaN before the first step.
double tokens_of(const RunRecord& run);

}  // namespace pgtrain
