// What one part of a reward is to the sum of them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "reward/reward.h"

namespace pgtrain {

// A batch with its completions decoded once for all parts.
struct ScoreBatch {
  const std::vector<RewardInput>& inputs;
  std::vector<std::u32string> texts;
};

struct PartScore {
  double value = 0;
  std::string note;  // empty = nothing to add to the value
};

class RewardPart {
 public:
  virtual ~RewardPart() = default;
  // One score for each input, before scale, offset and clipping. May be called from several
  // threads.
  virtual std::vector<PartScore> score(const ScoreBatch& batch) const = 0;
  // See Reward::check.
  virtual void check(const Dataset& /*data*/) const {}
};

// Scores inputs against something prepared from their record, once for each run of inputs of one
// record: prepare(record), then score(prepared, text).
template <class Prepare, class ScoreOne>
std::vector<PartScore> score_by_record(const ScoreBatch& batch, Prepare prepare,
                                       ScoreOne score_one) {
  std::vector<PartScore> scores;
  scores.reserve(batch.inputs.size());
  for (size_t i = 0; i < batch.inputs.size();) {
    const Record* record = batch.inputs[i].record;
    PG_CHECK(!record->targets.empty(), "the record of line {} has no target", record->line);
    const auto prepared = prepare(*record);
    for (; i < batch.inputs.size() && batch.inputs[i].record == record; ++i)
      scores.push_back(score_one(prepared, batch.texts[i]));
  }
  return scores;
}

// The part for resolved options. Throws ConfigError that begins with the name of the option at
// fault and ": ".
std::unique_ptr<RewardPart> make_reward_part(const RewardPartOptions& options,
                                             const RewardContext& context);

// Behind make_reward_part, one for each kind.
std::unique_ptr<RewardPart> make_similarity_part(const RewardPartOptions& options);
std::unique_ptr<RewardPart> make_distinct_part(const RewardPartOptions& options);
std::unique_ptr<RewardPart> make_repetition_part(const RewardPartOptions& options);
std::unique_ptr<RewardPart> make_missing_eos_part(const RewardPartOptions& options);
std::unique_ptr<RewardPart> make_overlong_part(const RewardPartOptions& options,
                                               const RewardContext& context);
std::unique_ptr<RewardPart> make_blocklist_part(const RewardPartOptions& options);
std::unique_ptr<RewardPart> make_format_part(const RewardPartOptions& options);
std::unique_ptr<RewardPart> make_number_part(const RewardPartOptions& options);
std::unique_ptr<RewardPart> make_command_part(const RewardPartOptions& options,
                                              const RewardContext& context);
std::unique_ptr<RewardPart> make_embedding_part(const RewardContext& context);

}  // namespace pgtrain
