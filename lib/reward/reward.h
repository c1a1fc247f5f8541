// The reward of a completion: a weighted sum of named parts, each of which compares it with the
// target text of its record or judges it by itself. What each part computes: reward/README.md.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataset/dataset.h"
#include "reward/options.h"

namespace pgtrain {

class RewardPart;

struct RewardInput {
  const Record* record = nullptr;  // not owned
  std::string_view completion;     // ill-formed UTF-8 counts as U+FFFD
  bool finished = true;            // ended with the end token, not cut off
  int64_t length = 0;              // tokens, the end token included
};

struct Score {
  double total = 0;                // sum of weight * part
  std::vector<double> parts;       // before weighting, in the order of part_names()
  std::vector<std::string> notes;  // why, where a part has more to say: "blocklist: slur"
};

// What parts need from outside of this module.
struct RewardContext {
  // The text as a vector of any fixed length, for embedding_cosine; must be safe to call from
  // several threads. Empty: that metric is refused.
  std::function<std::vector<float>(std::string_view text)> embed;
  // Tokens at which generation cuts a completion off, for overlong; 0 = unknown.
  int64_t max_new_tokens = 0;
  // false: reward commands are looked up, but not started; score must not be called then.
  bool start_commands = true;
};

class Reward {
 public:
  // Throws ConfigError that begins with the key ("reward.0.pattern: ...").
  explicit Reward(const std::vector<RewardPartOptions>& options, const RewardContext& context = {});
  ~Reward();

  // Names for logs and metrics, all different.
  std::vector<std::string> part_names() const;

  // One score for each input, in order, independent of the other inputs. May be called from several
  // threads at once; inputs of the same record should follow each other, because a target is
  // prepared once for such a run. Throws DataError when a reward command fails.
  std::vector<Score> score(const std::vector<RewardInput>& batch) const;

  // Throws DataError when a part can make nothing of a record's target, and warns on the log when
  // it is blind to many.
  void check(const Dataset& data) const;

 private:
  struct Part {
    RewardPartOptions options;
    std::unique_ptr<RewardPart> part;
  };
  std::vector<Part> parts_;
};

}  // namespace pgtrain
