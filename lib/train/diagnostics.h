// Says what is wrong with a run and what to try, from its rows of metrics. The ranges are those of
// the table "Reading a run" in README.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "metrics/row.h"

namespace pgtrain {

// Only words on the log come of it: a resumed run starts to observe anew.
class Diagnostics {
 public:
  // The warnings that a step's (an evaluation's) row gives rise to. The same one comes again after
  // `silence` steps at the earliest, so that a long run is not drowned.
  std::vector<std::string> after_step(const Row& row);
  std::vector<std::string> after_evaluation(const Row& row);

 private:
  void add(std::vector<std::string>& warnings, const std::string& name, const std::string& text);

  int64_t step_ = 0;
  int64_t steps_seen_ = 0;
  std::map<std::string, int64_t> last_warned_;  // step of each warning
  std::optional<double> first_entropy_;
  double noise_sum_ = 0;
  double signal_sum_ = 0;
  int64_t noise_count_ = 0;
  // Training reward since the last evaluation, and what the last two periods gave.
  double reward_sum_ = 0;
  int64_t reward_count_ = 0;
  std::vector<double> train_rewards_;
  std::vector<double> eval_rewards_;
};

}  // namespace pgtrain
