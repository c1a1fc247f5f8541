#include "reward/reward.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "similarity/edit_distance.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

// One target text made ready for one metric.
class PreparedTarget {
 public:
  virtual ~PreparedTarget() = default;
  virtual double score(std::u32string_view completion) const = 0;
};

template <EditKind kKind>
class EditTarget final : public PreparedTarget {
 public:
  explicit EditTarget(const std::u32string& target) : distance_(kKind, target) {}
  double score(std::u32string_view completion) const override {
    return distance_.similarity(completion);
  }

 private:
  EditDistance distance_;
};

template <double (*kFunction)(std::u32string_view, std::u32string_view)>
class PlainTarget final : public PreparedTarget {
 public:
  explicit PlainTarget(const std::u32string& target) : target_(target) {}
  double score(std::u32string_view completion) const override {
    return kFunction(target_, completion);
  }

 private:
  std::u32string target_;
};

template <class Target>
std::unique_ptr<PreparedTarget> prepare(const std::u32string& target) {
  return std::make_unique<Target>(target);
}

struct Metric {
  const char* name;
  std::unique_ptr<PreparedTarget> (*prepare)(const std::u32string& target);
};

// The only place that knows the names of the metrics.
constexpr std::array<Metric, 7> kMetrics = {{
    {"edit_similarity", prepare<EditTarget<EditKind::kLevenshtein>>},
    {"indel_similarity", prepare<EditTarget<EditKind::kIndel>>},
    {"osa_similarity", prepare<EditTarget<EditKind::kOsa>>},
    {"damerau_similarity", prepare<EditTarget<EditKind::kDamerau>>},
    {"lcs_similarity", prepare<EditTarget<EditKind::kLcs>>},
    {"exact_match", prepare<PlainTarget<exact_match>>},
    {"prefix_similarity", prepare<PlainTarget<prefix_similarity>>},
}};

const Metric& find_metric(const std::string& name) {
  std::string names;
  for (const Metric& metric : kMetrics) {
    if (name == metric.name) return metric;
    names += (names.empty() ? "" : ", ") + std::string(metric.name);
  }
  throw ConfigError(
      fmt::format("reward.metric: \"{}\" is unknown; allowed: {}", escape_text(name), names));
}

class RewardMix final : public Reward {
 public:
  struct Part {
    const Metric* metric;
    double weight;
  };

  explicit RewardMix(std::vector<Part> parts) : parts_(std::move(parts)) {}

  std::vector<std::string> part_names() const override {
    std::vector<std::string> names;
    names.reserve(parts_.size());
    for (const Part& part : parts_) names.emplace_back(part.metric->name);
    return names;
  }

  std::vector<Score> score(const std::vector<RewardInput>& batch) const override {
    std::vector<Score> scores;
    scores.reserve(batch.size());
    const Record* prepared = nullptr;
    Targets targets;
    for (const RewardInput& input : batch) {
      PG_CHECK(input.record != nullptr, "an input has no record");
      if (input.record != prepared) {
        targets = prepare_targets(*input.record);
        prepared = input.record;
      }
      scores.push_back(score_one(targets, decode_utf8_lossy(input.completion)));
    }
    return scores;
  }

 private:
  // [part][target]
  using Targets = std::vector<std::vector<std::unique_ptr<PreparedTarget>>>;

  Targets prepare_targets(const Record& record) const {
    PG_CHECK(!record.targets.empty(), "the record of line {} has no target", record.line);
    Targets targets(parts_.size());
    for (const std::string& text : record.targets) {
      const std::u32string target = decode_utf8_lossy(text);
      for (size_t i = 0; i < parts_.size(); ++i)
        targets[i].push_back(parts_[i].metric->prepare(target));
    }
    return targets;
  }

  Score score_one(const Targets& targets, std::u32string_view completion) const {
    Score score;
    for (size_t i = 0; i < parts_.size(); ++i) {
      double best = targets[i].front()->score(completion);
      for (const auto& target : targets[i]) best = std::max(best, target->score(completion));
      score.parts.push_back(best);
      score.total += parts_[i].weight * best;
    }
    return score;
  }

  std::vector<Part> parts_;
};

}  // namespace

std::vector<std::string> reward_metric_names() {
  std::vector<std::string> names;
  names.reserve(kMetrics.size());
  for (const Metric& metric : kMetrics) names.emplace_back(metric.name);
  return names;
}

std::unique_ptr<Reward> make_reward(const std::vector<RewardPartOptions>& options) {
  if (options.empty()) throw ConfigError("reward: at least one part is needed");
  std::vector<RewardMix::Part> parts;
  parts.reserve(options.size());
  for (const RewardPartOptions& option : options) {
    const Metric& metric = find_metric(option.metric);
    if (!std::isfinite(option.weight))
      throw ConfigError(fmt::format("reward: the weight of {} is not finite", option.metric));
    for (const RewardMix::Part& part : parts)
      if (part.metric == &metric)
        throw ConfigError(fmt::format("reward: {} is listed twice", option.metric));
    parts.push_back({&metric, option.weight});
  }
  return std::make_unique<RewardMix>(std::move(parts));
}

}  // namespace pgtrain
