// One part of the `reward:` list of an experiment.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "similarity/metric.h"

namespace pgtrain {

class Problems;
class Section;

struct RewardPartOptions {
  std::string metric = "auto";  // auto = command when a command is given, else edit_similarity
  double weight = 1.0;          // factor of this part in the total
  std::string name;             // for logs and metrics; empty = the metric
  // value = clip(scale * metric + offset)
  double scale = 1.0;
  double offset = 0.0;
  double clip_min = -1e38;
  double clip_max = 1e38;
  // Of single metrics; part_reads says which.
  MetricOptions text = sentence_options();
  int64_t max_length = 0;     // overlong; 0 = rollout.max_new_tokens
  int64_t buffer_length = 0;  // overlong; 0 = a fifth of max_length
  int64_t ngram_order = 0;    // distinct, repetition; 0 = the metric's: 2 and 3
  std::string words_file;     // blocklist
  std::string pattern;        // format
  bool full_match = true;     // format
  double tolerance = 0;       // number
  std::vector<std::string> command;
  double timeout_seconds = 60;  // command, for one batch
  int64_t max_restarts = 3;     // command, in a row

  // The metric, `auto` resolved.
  std::string resolved_metric() const;
  std::string resolved_name() const { return name.empty() ? resolved_metric() : name; }

 private:
  static MetricOptions sentence_options();
};

void describe(Section& s, MetricOptions& o);
void describe(Section& s, RewardPartOptions& o);
// Options given without effect, missing ones and names that occur twice, under the keys
// "reward.N...".
void check(std::vector<RewardPartOptions> parts, Problems& problems);

// The names that RewardPartOptions::metric may have, without auto. Error rates are offered as
// 1 - rate, at least 0, under the name RATE_similarity.
std::vector<std::string> reward_metric_names();
// The metric of similarity/metric.h behind a reward metric; empty when it is none of those.
std::string similarity_metric_of(const std::string& reward_metric);

}  // namespace pgtrain
