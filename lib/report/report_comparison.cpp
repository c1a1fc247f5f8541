#include "report/report_comparison.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "metrics/progress.h"
#include "report/html_table.h"
#include "report/report_charts.h"
#include "report/run_figures.h"
#include "report/svg_axis.h"

namespace pgtrain {
namespace {

constexpr size_t kMaxKeyColumns = 6;
constexpr const char* kNone = "\u2013";

using Settings = std::map<std::string, std::string>;

std::string setting(const Settings& settings, const std::string& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? kNone : found->second;
}

// Keys in the order of the first run that has them, whose values differ; run.name and run.directory
// always do and say nothing.
std::vector<std::string> keys_that_differ(const std::vector<ReportRun>& runs,
                                          const std::vector<Settings>& all) {
  std::vector<std::string> keys;
  std::set<std::string> seen;
  for (const ReportRun& run : runs)
    for (const auto& [key, value] : run.record.settings) {
      if (key == "run.name" || key == "run.directory" || !seen.insert(key).second) continue;
      const bool differs =
          std::any_of(all.begin(), all.end(), [&, k = key](const Settings& settings) {
            return setting(settings, k) != setting(all[0], k);
          });
      if (differs) keys.push_back(key);
    }
  return keys;
}

Html result_cells(const ReportRun& run) {
  const RunRecord& record = run.record;
  const Ends held_out = ends_of(record.curve("eval", "eval_reward"));
  const BestEvaluation best = best_evaluation(record);
  const double tokens = tokens_of(record);
  const bool any = held_out.any();
  return Html{number_cell(any ? format_value(held_out.first) : kNone),
              number_cell(any ? format_value(held_out.last) : kNone),
              number_cell(any ? format_value(best.reward) : kNone),
              number_cell(any ? format_count(static_cast<double>(best.step)) : kNone),
              number_cell(progress_of(record)),
              element("td", {}, text(completion_of(record))),
              number_cell(std::isnan(tokens) ? kNone : format_count(tokens)),
              number_cell(run.timing.seconds > 0 ? format_duration(run.timing.seconds) : kNone)};
}

Html run_header(size_t index, const ReportRun& run) {
  const Html link = element("a", {{"href", fmt::format("#run-{}", index + 1)}}, text(run.name));
  return element("th", {{"scope", "row"}, {"class", "run"}},
                 {line_key(static_cast<int>(index)), link});
}

Html result_table(const std::vector<ReportRun>& runs, const std::vector<Settings>& settings,
                  const std::vector<std::string>& keys) {
  std::vector<Column> columns = {{"run"},        {"held out, first", true}, {"last", true},
                                 {"best", true}, {"at step", true},         {"steps", true},
                                 {"state"},      {"tokens", true},          {"time", true}};
  for (const std::string& key : keys) columns.push_back({key});
  Html rows;
  for (size_t i = 0; i < runs.size(); ++i) {
    Html cells = run_header(i, runs[i]) + result_cells(runs[i]);
    for (const std::string& key : keys) cells += element("td", {}, text(setting(settings[i], key)));
    rows += element("tr", {}, cells);
  }
  return table(columns, rows);
}

Html key_table(const std::vector<ReportRun>& runs, const std::vector<Settings>& settings,
               const std::vector<std::string>& keys) {
  std::vector<Column> columns = {{"key"}};
  for (const ReportRun& run : runs) columns.push_back({run.name});
  Html rows;
  for (const std::string& key : keys) {
    Html cells = row_header(key);
    for (const Settings& of_run : settings) cells += element("td", {}, text(setting(of_run, key)));
    rows += element("tr", {}, cells);
  }
  return element("details", {},
                 {element("summary", {}, text(fmt::format("{} keys that differ", keys.size()))),
                  table(columns, rows)});
}

}  // namespace

Html comparison_section(const std::vector<ReportRun>& runs) {
  std::vector<Settings> settings;
  for (const ReportRun& run : runs)
    settings.emplace_back(run.record.settings.begin(), run.record.settings.end());
  const auto keys = keys_that_differ(runs, settings);
  if (keys.size() <= kMaxKeyColumns) return result_table(runs, settings, keys);
  return result_table(runs, settings, {}) + key_table(runs, settings, keys);
}

}  // namespace pgtrain
