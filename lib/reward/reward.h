// Scores of completions against the target texts of their records. Each metric compares code
// points, lies in [0, 1] and is 1 for equal texts only. With n, m the lengths of target and
// completion, L that of their longest common subsequence, P that of their longest common beginning
// (RapidFuzz's normalized_similarity, see similarity/edit_distance.h):
//   edit_similarity     1 - Levenshtein / max(n, m)
//   indel_similarity    2 L / (n + m)
//   osa_similarity      1 - optimal string alignment distance / max(n, m)
//   damerau_similarity  1 - Damerau-Levenshtein distance / max(n, m)
//   lcs_similarity      L / max(n, m)
//   exact_match         1 if equal, else 0
//   prefix_similarity   P / max(n, m)
// All are 1 when both texts are empty. With several targets each metric takes its best target.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataset/dataset.h"

namespace pgtrain {

class Section;

struct RewardPartOptions {
  std::string metric = "edit_similarity";
  double weight = 1.0;  // factor of this part in the total; negative = penalty
};
void describe(Section& s, RewardPartOptions& o);

struct RewardInput {
  const Record* record = nullptr;  // not owned
  std::string_view completion;     // ill-formed UTF-8 counts as U+FFFD
};

struct Score {
  double total = 0;           // sum of weight * part
  std::vector<double> parts;  // before weighting, in the order of part_names()
};

class Reward {
 public:
  virtual ~Reward() = default;
  // Names for logs and metrics, all different.
  virtual std::vector<std::string> part_names() const = 0;
  // One score for each input, in order, independent of the other inputs. May be called from several
  // threads at once; inputs of the same record should follow each other, because a target is
  // prepared once for such a run.
  virtual std::vector<Score> score(const std::vector<RewardInput>& batch) const = 0;
};

// The names that RewardPartOptions::metric may have.
std::vector<std::string> reward_metric_names();

// The weighted sum of the parts. Throws ConfigError for an empty list, an unknown metric, a metric
// listed twice or a weight that is not finite.
std::unique_ptr<Reward> make_reward(const std::vector<RewardPartOptions>& parts);

}  // namespace pgtrain
