#include "reward/reward.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "reward/part.h"
#include "text/unicode.h"

namespace pgtrain {

std::unique_ptr<RewardPart> make_reward_part(const RewardPartOptions& options,
                                             const RewardContext& context) {
  const std::string& metric = options.metric;
  if (!similarity_metric_of(metric).empty()) return make_similarity_part(options);
  if (metric == "distinct") return make_distinct_part(options);
  if (metric == "repetition") return make_repetition_part(options);
  if (metric == "missing_eos") return make_missing_eos_part(options);
  if (metric == "overlong") return make_overlong_part(options, context);
  if (metric == "blocklist") return make_blocklist_part(options);
  if (metric == "format") return make_format_part(options);
  if (metric == "number") return make_number_part(options);
  if (metric == "command") return make_command_part(options, context);
  if (metric == "embedding_cosine") return make_embedding_part(context);
  throw ConfigError(fmt::format("metric: '{}' is unknown; allowed: {}", escape_text(metric),
                                fmt::join(reward_metric_names(), ", ")));
}

Reward::Reward(const std::vector<RewardPartOptions>& options, const RewardContext& context) {
  if (options.empty()) throw ConfigError("reward: at least one part is needed");
  std::set<std::string> names;
  for (size_t i = 0; i < options.size(); ++i) {
    Part part{options[i], nullptr};
    part.options.metric = options[i].resolved_metric();
    part.options.name = options[i].resolved_name();
    const std::string key = fmt::format("reward.{}", i);
    if (!names.insert(part.options.name).second)
      throw ConfigError(fmt::format("{}.name: '{}' is listed twice", key, part.options.name));
    if (!std::isfinite(part.options.weight))
      throw ConfigError(fmt::format("{}.weight: is not finite", key));
    try {
      part.part = make_reward_part(part.options, context);
    } catch (const ConfigError& e) {
      throw ConfigError(fmt::format("{}.{}", key, e.what()));
    }
    parts_.push_back(std::move(part));
  }
}

Reward::~Reward() = default;

std::vector<std::string> Reward::part_names() const {
  std::vector<std::string> names;
  names.reserve(parts_.size());
  for (const Part& part : parts_) names.push_back(part.options.name);
  return names;
}

std::vector<Score> Reward::score(const std::vector<RewardInput>& inputs) const {
  ScoreBatch batch{inputs, {}};
  batch.texts.reserve(inputs.size());
  for (const RewardInput& input : inputs) {
    PG_CHECK(input.record != nullptr, "an input has no record");
    batch.texts.push_back(decode_utf8_lossy(input.completion));
  }
  std::vector<Score> scores(inputs.size());
  for (const Part& part : parts_) {
    const RewardPartOptions& o = part.options;
    std::vector<PartScore> raw = part.part->score(batch);
    PG_CHECK(raw.size() == inputs.size(), "{}: {} scores for {} inputs", o.name, raw.size(),
             inputs.size());
    for (size_t i = 0; i < raw.size(); ++i) {
      const double value = std::clamp(o.scale * raw[i].value + o.offset, o.clip_min, o.clip_max);
      scores[i].parts.push_back(value);
      scores[i].total += o.weight * value;
      if (!raw[i].note.empty()) scores[i].notes.push_back(o.name + ": " + raw[i].note);
    }
  }
  return scores;
}

void Reward::check(const Dataset& data) const {
  for (const Part& part : parts_) part.part->check(data);
}

}  // namespace pgtrain
