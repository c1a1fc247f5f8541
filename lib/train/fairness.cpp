#include "train/fairness.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "config/section.h"
#include "core/error.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

constexpr size_t kMaxValues = 64;

std::string name_part(const std::string& text) {
  std::string result;
  for (const char c : escape_text(text)) {
    if (c == '/')
      result += "%2F";
    else if (c == '%')
      result += "%25";
    else
      result += c;
  }
  return result;
}

std::string gap_name(const std::string& prefix, const std::string& field) {
  return prefix + "reward/gap/" + name_part(field);
}

struct Mean {
  double sum = 0;
  int64_t count = 0;
  double value() const { return sum / static_cast<double>(count); }
};

}  // namespace

void describe(Section& s, FairnessOptions& o) {
  s.field("fields", o.fields,
          "fields of the records; the mean reward for each of their values is reported as "
          "reward/by/FIELD/VALUE");
  s.field(
      "warn_gap", o.warn_gap,
      "growth, since the first evaluation, of the distance between the best and the worst group "
      "that gives a warning",
      at_least(0.0));
}

std::string field_value(const Record& record, const std::string& field) {
  const auto found = record.fields.find(field);
  if (found == record.fields.end()) return "(none)";
  return name_part(found->is_string() ? found->get<std::string>() : found->dump());
}

void check_fairness(const FairnessOptions& options, const Dataset& data) {
  for (const std::string& field : options.fields) {
    const bool any = std::any_of(data.records.begin(), data.records.end(),
                                 [&](const Record& r) { return r.fields.contains(field); });
    if (!any) {
      std::vector<std::string> names;
      for (const auto& [name, value] : data[0].fields.items()) names.push_back(name);
      throw DataError(
          fmt::format("{}: no record has the field '{}' of fairness.fields; the first "
                      "record has {} (fairness.fields=[] leaves the report out)",
                      data.path, field, fmt::join(names, ", ")));
    }
    std::set<std::string> values;
    for (const Record& record : data.records) {
      values.insert(field_value(record, field));
      if (values.size() > kMaxValues)
        throw DataError(
            fmt::format("{}: the field '{}' of fairness.fields has more than {} values: "
                        "choose one that makes groups",
                        data.path, field, kMaxValues));
    }
  }
}

void add_fairness_metrics(Row& row, const std::string& prefix, const FairnessOptions& options,
                          const Rollout& rollout, const Dataset& data) {
  for (const std::string& field : options.fields) {
    std::map<std::string, Mean> groups;
    for (int64_t i = 0; i < rollout.size(); ++i) {
      Mean& group = groups[field_value(data[rollout.record_of(i)], field)];
      group.sum += rollout.scores[static_cast<size_t>(i)].total;
      ++group.count;
    }
    double low = groups.begin()->second.value();
    double high = low;
    for (const auto& [value, mean] : groups) {
      low = std::min(low, mean.value());
      high = std::max(high, mean.value());
      row.set(prefix + "reward/by/" + name_part(field) + "/" + value, mean.value());
    }
    row.set(gap_name(prefix, field), high - low);
  }
}

void DriftWatch::read_first(const std::string& metrics_file) {
  if (options_.fields.empty()) return;
  std::ifstream file(metrics_file);
  for (std::string line; std::getline(file, line);) {
    const auto row = nlohmann::json::parse(line, nullptr, false);
    if (!row.is_object() || row.value("phase", "") != "eval") continue;
    for (const std::string& field : options_.fields) {
      const auto gap = row.find(gap_name("eval_", field));
      if (gap != row.end() && gap->is_number()) first_gap_[field] = gap->get<double>();
    }
    return;
  }
}

void DriftWatch::see(const Row& evaluation) {
  for (const std::string& field : options_.fields) {
    const double gap = evaluation.number(gap_name("eval_", field));
    const auto [first, is_first] = first_gap_.emplace(field, gap);
    if (is_first || gap - first->second <= options_.warn_gap || warned_[field]) continue;
    warned_[field] = true;
    spdlog::warn(
        "fairness: the groups of '{}' drift apart: the best and the worst differ by {:.3f} in eval "
        "reward, {:.3f} at the first evaluation; see eval_reward/by/{}/* in metrics.jsonl",
        field, gap, first->second, field);
  }
}

}  // namespace pgtrain
