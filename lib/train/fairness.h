// How the reward differs between groups of records: the mean for each value of chosen fields.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dataset/dataset.h"
#include "metrics/row.h"
#include "train/sampling.h"

namespace pgtrain {

class Section;

struct FairnessOptions {
  std::vector<std::string> fields;  // of the records; empty = no report
  double warn_gap = 0.1;
};
void describe(Section& s, FairnessOptions& o);

// The value of a record's field as part of a metric's name: a text itself, another JSON value as
// JSON, "(none)" when the record lacks it; '/' and '%' as %2F and %25, control characters escaped.
std::string field_value(const Record& record, const std::string& field);

// Throws DataError when no record has a field, or one has more than 64 values in the data (an id is
// no group).
void check_fairness(const FairnessOptions& options, const Dataset& data);

// Adds to the row, each name after `prefix`, for every field the mean reward of the completions
// with each value that occurs, reward/by/FIELD/VALUE in the order of the values, and
// reward/gap/FIELD = the largest less the smallest of them.
void add_fairness_metrics(Row& row, const std::string& prefix, const FairnessOptions& options,
                          const Rollout& rollout, const Dataset& data);

// Watches the gaps of evaluations and warns on the log when one has grown since the first by more
// than warn_gap. One warning for each field and process.
class DriftWatch {
 public:
  explicit DriftWatch(const FairnessOptions& options) : options_(options) {}
  // For a resumed run: the first evaluation in its metrics.jsonl, if there is one. Lines that are
  // no JSON are passed over.
  void read_first(const std::string& metrics_file);
  void see(const Row& evaluation);

 private:
  FairnessOptions options_;
  std::map<std::string, double> first_gap_;
  std::map<std::string, bool> warned_;
};

}  // namespace pgtrain
