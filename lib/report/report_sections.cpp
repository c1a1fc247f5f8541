#include "report/report_sections.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/memory.h"
#include "core/version.h"
#include "metrics/progress.h"
#include "report/html_table.h"
#include "report/run_figures.h"
#include "report/svg_axis.h"

namespace pgtrain {
namespace {

std::string count(int64_t value) { return format_count(static_cast<double>(value)); }

Html fact(const std::string& name, const std::string& value, const std::string& note = "",
          const char* css_class = "fact") {
  Html description = element("dd", {}, text(value));
  if (!note.empty()) description += element("dd", {{"class", "note"}}, text(note));
  return element("div", {{"class", css_class}}, {element("dt", {}, text(name)), description});
}

using Settings = std::map<std::string, std::string>;

std::string setting(const Settings& settings, const std::string& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? "\u2013" : found->second;
}

// Of every key the value that it has when nothing is set; of a part of the reward, what its metric
// makes of the defaults.
Settings default_settings(const ExperimentConfig& config) {
  ExperimentConfig standard;
  standard.reward.clear();
  for (const RewardPartOptions& part : config.reward) {
    standard.reward.emplace_back();
    standard.reward.back().metric = part.metric;
    standard.reward.back().command = part.command;
  }
  Settings settings;
  for (auto& [key, value] : settings_of(standard)) settings[key] = value;
  const RewardPartOptions unset;
  for (size_t i = 0; i < config.reward.size(); ++i) {
    settings[fmt::format("reward.{}.metric", i)] = unset.metric;
    if (!config.reward[i].command.empty()) settings[fmt::format("reward.{}.command", i)] = "[]";
  }
  return settings;
}

// name_part of train/fairness.cpp undone: the / and % of a name.
std::string plain_name(std::string name) {
  for (const auto& [code, sign] : {std::pair{"%2F", "/"}, std::pair{"%25", "%"}})
    for (size_t at = name.find(code); at != std::string::npos; at = name.find(code, at + 1))
      name.replace(at, 3, sign);
  return name;
}

// A bar from 0 to `value` on the scale [low, high], which holds 0.
Html bar(double value, double low, double high) {
  const double zero = -low / (high - low) * 100;
  const double end = (value - low) / (high - low) * 100;
  return element("svg",
                 {{"class", "bar"},
                  {"viewBox", "0 0 100 8"},
                  {"preserveAspectRatio", "none"},
                  {"aria-hidden", "true"}},
                 element("rect", {{"class", "column"},
                                  {"x", fmt::format("{:.2f}", std::min(zero, end))},
                                  {"y", "0"},
                                  {"width", fmt::format("{:.2f}", std::abs(end - zero))},
                                  {"height", "8"}}));
}

using Groups = std::map<std::string, Ends>;

Html fairness_table(const std::string& field, const Groups& groups, const Ends& gap) {
  double low = 0;
  double high = 0;
  for (const auto& [name, ends] : groups)
    if (ends.any()) {
      low = std::min(low, ends.last);
      high = std::max(high, ends.last);
    }
  if (!(high - low > 0)) high = low + 1;
  Html rows;
  for (const auto& [name, ends] : groups)
    rows += element(
        "tr", {},
        {row_header(plain_name(name)), number_cell(format_value(ends.first)),
         number_cell(format_value(ends.last)),
         element("td", {{"class", "bar-cell"}}, ends.any() ? bar(ends.last, low, high) : Html())});
  if (gap.any())
    rows += element("tr", {{"class", "total"}},
                    {row_header("best \u2212 worst"), number_cell(format_value(gap.first)),
                     number_cell(format_value(gap.last)), element("td", {})});
  return table({{plain_name(field)}, {"first", true}, {"last", true}, {""}}, rows);
}

Html checkpoint_details(const CheckpointSummary& checkpoint) {
  const Html summary = element(
      "summary", {}, {text(checkpoint.link), text(": "), element("b", {}, text(checkpoint.name))});
  if (!checkpoint.problem.empty())
    return element("details", {{"open", ""}},
                   {summary, element("p", {{"class", "bad"}}, text(checkpoint.problem))});
  Html rows;
  for (const auto& [name, digest] : checkpoint.manifest.files)
    rows += element("tr", {},
                    {row_header(name), number_cell(format_bytes(digest.bytes)),
                     element("td", {{"class", "hash"}}, text(digest.sha256))});
  return element("details", {}, {summary, table({{"file"}, {"size", true}, {"SHA-256"}}, rows)});
}

std::string recorded_versions(const ReportRun& run) {
  std::set<std::string> versions;
  for (const CheckpointSummary& checkpoint : run.checkpoints)
    if (checkpoint.problem.empty()) versions.insert(checkpoint.manifest.version);
  return fmt::format("{}", fmt::join(versions, ", "));
}

}  // namespace

Html summary_section(const ReportRun& run) {
  const RunRecord& record = run.record;
  Html facts;
  const Ends held_out = ends_of(record.curve("eval", "eval_reward"));
  const Ends training = ends_of(record.curve("train", "reward"));
  const BestEvaluation best = best_evaluation(record);
  if (held_out.any())
    facts += fact("Held-out reward, first and last evaluation", held_out.shown(),
                  fmt::format("best {} at step {}", format_value(best.reward), count(best.step)),
                  "fact big");
  else if (training.any())
    facts += fact("Reward in training, first and last step", training.shown(), "", "fact big");
  if (held_out.any() && training.any()) facts += fact("Reward in training", training.shown());
  facts += fact("Steps", progress_of(record), completion_of(record));
  if (run.timing.seconds > 0)
    facts += fact("Time in steps", format_duration(run.timing.seconds),
                  "without evaluation and checkpoints");
  const double tokens = tokens_of(record);
  if (!std::isnan(tokens))
    facts += fact("Tokens generated", format_count(tokens),
                  run.timing.median_rate > 0
                      ? format_count(run.timing.median_rate) + " a second (median step)"
                      : "");
  for (const auto& [name, column] :
       {std::pair{"Entropy", "entropy"}, std::pair{"KL from the reference", "kl"},
        std::pair{"Mean length", "completions/mean_length"}}) {
    const Ends ends = ends_of(record.curve("train", column));
    if (ends.any()) facts += fact(name, ends.shown());
  }
  return element("dl", {{"class", "facts"}}, facts);
}

Html fairness_section(const ReportRun& run) {
  const std::string prefix = "eval_reward/by/";
  std::map<std::string, Groups> fields;
  const auto columns = run.record.curves.find("eval");
  if (columns == run.record.curves.end()) return {};
  for (const auto& [column, curve] : columns->second) {
    if (column.compare(0, prefix.size(), prefix) != 0) continue;
    const size_t slash = column.find('/', prefix.size());
    if (slash == std::string::npos) continue;
    fields[column.substr(prefix.size(), slash - prefix.size())][column.substr(slash + 1)] =
        ends_of(curve);
  }
  Html out;
  for (const auto& [field, groups] : fields)
    out += fairness_table(field, groups,
                          ends_of(run.record.curve("eval", "eval_reward/gap/" + field)));
  if (out.empty()) return {};
  return Html{element("p", {{"class", "note"}},
                      text("Mean held-out reward at the first and at the last evaluation.")),
              out};
}

Html warnings_section(const ReportRun& run) {
  if (run.log.warning_count == 0) return {};
  Html items;
  for (const std::string& warning : run.log.warnings) items += element("li", {}, text(warning));
  const auto shown = static_cast<int64_t>(run.log.warnings.size());
  const std::string note =
      shown == run.log.warning_count
          ? ""
          : fmt::format("The last {} of {}.", shown, count(run.log.warning_count));
  return Html{note.empty() ? Html() : element("p", {{"class", "note"}}, text(note)),
              element("ul", {{"class", "log"}}, items)};
}

Html configuration_section(const ReportRun& run) {
  const Settings defaults = default_settings(run.record.config);
  Html rows;
  for (const auto& [key, value] : run.record.settings) {
    const std::string standard = setting(defaults, key);
    if (value != standard)
      rows += element("tr", {},
                      {row_header(key), element("td", {{"class", "setting"}}, text(value)),
                       element("td", {{"class", "note"}}, text(standard))});
  }
  Html out;
  if (!rows.empty()) out += table({{"key"}, {"value"}, {"default"}}, rows);
  return out +
         element("details", {},
                 {element("summary", {}, text("Whole configuration")),
                  element("pre", {{"tabindex", "0"}}, lines(dump_experiment(run.record.config)))});
}

Html provenance_section(const ReportRun& run) {
  Html facts = fact("Folder", run.record.directory.string());
  const std::string versions = recorded_versions(run);
  if (!versions.empty()) facts += fact("Checkpoints written by", "pgtrain " + versions);
  facts += fact("Report written by", std::string("pgtrain ") + kVersion);
  if (!run.log.first.empty()) facts += fact("First message", run.log.first);
  if (!run.log.last.empty()) facts += fact("Last message", run.log.last);
  Html out = element("dl", {{"class", "origin"}}, facts);
  if (!versions.empty())
    out += element("p", {{"class", "note"}},
                   text("Hashes of the checkpoints' files as their manifest.json records them; "
                        "sha256sum gives the same while they are unchanged."));
  for (const CheckpointSummary& checkpoint : run.checkpoints) out += checkpoint_details(checkpoint);
  return out;
}

}  // namespace pgtrain
