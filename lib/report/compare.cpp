#include "report/compare.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "config/scalar.h"
#include "core/error.h"
#include "core/files.h"
#include "metrics/meter.h"
#include "report/student_t.h"

namespace pgtrain {
namespace {

constexpr const char* kPreset = "algorithm.preset";

// Keys that name a run or say how it is kept, and never change a result.
bool is_ignored(const std::string& key) {
  static const std::set<std::string> kRun = {"run.name", "run.directory", "run.seed", "run.threads",
                                             "run.check_memory"};
  return kRun.count(key) != 0 || key.rfind("checkpoint.", 0) == 0 || key.rfind("log.", 0) == 0;
}

// The number in the file exit_code; nothing when there is none.
std::optional<int> read_exit_code(const std::filesystem::path& directory) {
  const auto file = directory / "exit_code";
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return {};
  try {
    std::string text = read_file(file, 16);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    const int64_t code = parse_integer(text);
    if (code >= 0 && code <= 255) return static_cast<int>(code);
  } catch (const Error&) {
  }
  throw DataError(fmt::format("{}: must hold the exit code of a process, 0 to 255", file.string()));
}

std::string state_of(const RunRecord& run) {
  const auto code = read_exit_code(run.directory);
  const bool has_failed =
      code && *code != kExitDone && *code != kExitStopped && *code != kExitInterrupted;
  if (has_failed) return "failed";
  if (run.is_finished) return "done";
  return code == kExitDone ? "paused" : "cut";
}

std::optional<double> last_tenth(const std::vector<double>& values) {
  if (values.empty()) return {};
  const size_t count = (values.size() + 9) / 10;
  Meter meter;
  for (size_t i = values.size() - count; i < values.size(); ++i) meter.add(values[i]);
  return meter.mean();
}

std::optional<double> number_of(const std::string& text) {
  try {
    return parse_number(text);
  } catch (const ConfigError&) {
    return {};
  }
}

// Numbers by value and before texts.
bool setting_less(const std::string& a, const std::string& b) {
  const auto x = number_of(a);
  const auto y = number_of(b);
  if (x && y && *x != *y) return *x < *y;
  if (x.has_value() != y.has_value()) return x.has_value();
  return a < b;
}

bool settings_less(const RunGroup& a, const RunGroup& b) {
  return std::lexicographical_compare(a.settings.begin(), a.settings.end(), b.settings.begin(),
                                      b.settings.end(), setting_less);
}

const std::string& value_of(const RunSummary& run, const std::string& key) {
  static const std::string kNone;
  const auto found = run.settings.find(key);
  return found == run.settings.end() ? kNone : found->second;
}

using Members = std::vector<const RunSummary*>;

std::vector<std::string> keys_of(const std::vector<RunSummary>& runs) {
  std::set<std::string> keys;
  for (const RunSummary& run : runs)
    for (const auto& [key, value] : run.settings)
      if (!is_ignored(key)) keys.insert(key);
  return {keys.begin(), keys.end()};
}

// What a preset stands for, as settings of its section; empty when this version does not know it.
std::map<std::string, std::string> settings_of_preset(const std::string& preset) {
  ExperimentConfig config;
  Section root;
  describe(root, config);
  try {
    load(root, {}, {"data.train=required", fmt::format("{}={}", kPreset, preset)});
  } catch (const ConfigError&) {
    return {};
  }
  reset_unread(config.algorithm);
  std::map<std::string, std::string> result;
  for (auto& [key, value] : settings_of(config))
    if (key.rfind("algorithm.", 0) == 0) result[key] = value;
  return result;
}

// Keys that differ, but for those that say no more than the preset of the run does.
std::vector<std::string> differing_keys(const std::vector<RunSummary>& runs) {
  std::map<std::string, RunSummary> presets;
  for (const RunSummary& run : runs) {
    const std::string& name = value_of(run, kPreset);
    if (presets.count(name) == 0) presets[name].settings = settings_of_preset(name);
  }
  std::vector<std::string> result;
  for (const std::string& key : keys_of(runs)) {
    const std::string& first = value_of(runs.front(), key);
    const bool differs = std::any_of(runs.begin(), runs.end(), [&](const RunSummary& run) {
      return value_of(run, key) != first;
    });
    const bool is_preset_value =
        key != kPreset && std::all_of(runs.begin(), runs.end(), [&](const RunSummary& run) {
          return value_of(run, key) == value_of(presets.at(value_of(run, kPreset)), key);
        });
    if (differs && !is_preset_value) result.push_back(key);
  }
  return result;
}

void check_keys(const std::vector<RunSummary>& runs, const std::vector<std::string>& by) {
  for (const std::string& key : by)
    if (std::none_of(runs.begin(), runs.end(),
                     [&](const RunSummary& run) { return run.settings.count(key) != 0; }))
      throw ConfigError(fmt::format(
          "--by {}: no run has this key; it is written in full, such as run.seed", in_quotes(key)));
}

// "2 failed at 7-12/40".
std::string state_text(const std::string& state, const Members& members, bool with_count) {
  int64_t count = 0;
  int64_t first = 0;
  int64_t last = 0;
  int64_t steps = 0;
  for (const RunSummary* run : members) {
    if (run->state != state) continue;
    first = count == 0 ? run->step : std::min(first, run->step);
    last = std::max(last, run->step);
    steps = std::max(steps, run->steps);
    ++count;
  }
  if (count == 0) return "";
  std::string text = with_count ? fmt::format("{} {}", count, state) : state;
  if (state == "done") return text;
  text += fmt::format(" at {}", first);
  if (last != first) text += fmt::format("-{}", last);
  return text + fmt::format("/{}", steps);
}

std::string state_of(const Members& members) {
  const bool is_mixed = std::any_of(members.begin(), members.end(), [&](const RunSummary* run) {
    return run->state != members.front()->state;
  });
  std::string result;
  for (const char* state : {"done", "paused", "cut", "failed"}) {
    const std::string text = state_text(state, members, is_mixed);
    if (!text.empty()) result += (result.empty() ? "" : ", ") + text;
  }
  return result;
}

// A row may pool runs of other settings, or hold a run twice: what varies from seed to seed is the
// mean over each seed's runs.
Estimate estimate_of(const Members& members, std::optional<double> RunSummary::*column) {
  std::map<std::string, Meter> by_seed;
  for (const RunSummary* run : members)
    if (run->*column) by_seed[value_of(*run, "run.seed")].add(*(run->*column));
  std::vector<double> values;
  for (const auto& seed : by_seed) values.push_back(seed.second.mean());
  return estimate(values);
}

RunGroup make_group(std::vector<std::string> settings, const Members& members) {
  RunGroup group;
  group.settings = std::move(settings);
  Members counted;
  for (const RunSummary* run : members) {
    group.names.push_back(run->name);
    group.seeds.push_back(value_of(*run, "run.seed"));
    if (run->state == "done") counted.push_back(run);
  }
  std::sort(group.names.begin(), group.names.end());
  std::sort(group.seeds.begin(), group.seeds.end(), setting_less);
  group.has_done = !counted.empty();
  if (!group.has_done) counted = members;
  group.runs = static_cast<int64_t>(counted.size());
  group.state = state_of(members);
  group.eval_reward = estimate_of(counted, &RunSummary::eval_reward);
  group.best_eval_reward = estimate_of(counted, &RunSummary::best_eval_reward);
  group.reward = estimate_of(counted, &RunSummary::reward);
  return group;
}

// The index of the key with that name or last word; -1 without.
int64_t key_index(const std::vector<std::string>& keys, const std::string& name) {
  int64_t found = -1;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == name) return static_cast<int64_t>(i);
    if (found < 0 && keys[i].substr(keys[i].rfind('.') + 1) == name)
      found = static_cast<int64_t>(i);
  }
  return found;
}

// The highest first; what has no value last.
double rank_of(const Estimate& estimate) {
  const bool has_value = estimate.count > 0 && !std::isnan(estimate.mean);
  return has_value ? -estimate.mean : std::numeric_limits<double>::infinity();
}

using Rank = std::function<double(const RunGroup&)>;

// Nothing when the column is none of these.
Rank rank_by(const std::string& column) {
  if (column == "eval_reward")
    return [](const RunGroup& group) { return rank_of(group.eval_reward); };
  if (column == "best_eval_reward")
    return [](const RunGroup& group) { return rank_of(group.best_eval_reward); };
  if (column == "reward") return [](const RunGroup& group) { return rank_of(group.reward); };
  if (column == "runs")
    return [](const RunGroup& group) { return -static_cast<double>(group.runs); };
  return {};
}

}  // namespace

RunSummary summarize_run(const RunRecord& run) {
  RunSummary result;
  result.name = run.config.run.name;
  result.settings.insert(run.settings.begin(), run.settings.end());
  result.state = state_of(run);
  result.step = run.step;
  result.steps = run.config.train.steps;
  const auto& evaluations = run.curve("eval", "eval_reward").values;
  if (!evaluations.empty()) result.eval_reward = evaluations.back();
  for (const double value : evaluations)
    if (!std::isnan(value) && (!result.best_eval_reward || value > *result.best_eval_reward))
      result.best_eval_reward = value;
  result.reward = last_tenth(run.curve("train", "reward").values);
  return result;
}

Estimate estimate(const std::vector<double>& values) {
  // Sums depend on the order in the last bits: the same runs give the same bytes in any order.
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end(), [](double a, double b) {
    return std::isnan(a) < std::isnan(b) || (!std::isnan(a) && a < b);
  });
  const Stats stats = summarize(sorted);
  Estimate result;
  result.count = stats.count;
  result.mean = stats.mean;
  if (stats.count < 2 || !std::isfinite(stats.mean) || !std::isfinite(stats.std)) return result;
  result.std = stats.std;
  result.half_width = student_t_quantile(0.975, stats.count - 1) * stats.std /
                      std::sqrt(static_cast<double>(stats.count));
  return result;
}

Comparison compare_runs(const std::vector<RunSummary>& runs, const std::vector<std::string>& by) {
  Comparison result;
  if (runs.empty()) return result;
  check_keys(runs, by);
  result.keys = by.empty() ? differing_keys(runs) : by;
  std::map<std::vector<std::string>, Members> groups;
  for (const RunSummary& run : runs) {
    std::vector<std::string> settings;
    for (const std::string& key : result.keys) settings.push_back(value_of(run, key));
    groups[settings].push_back(&run);
  }
  for (const auto& [settings, members] : groups)
    result.groups.push_back(make_group(settings, members));
  std::stable_sort(result.groups.begin(), result.groups.end(), settings_less);
  return result;
}

void sort_by(Comparison& comparison, const std::string& column) {
  auto& groups = comparison.groups;
  if (const Rank rank = rank_by(column)) {
    std::stable_sort(groups.begin(), groups.end(), [&](const RunGroup& a, const RunGroup& b) {
      return a.has_done != b.has_done ? a.has_done : rank(a) < rank(b);
    });
    return;
  }
  const int64_t key = key_index(comparison.keys, column);
  if (key < 0)
    throw ConfigError(fmt::format(
        "--sort {}: the columns are eval_reward, best_eval_reward, reward, runs{}{}",
        in_quotes(column), comparison.keys.empty() ? "" : ", ", fmt::join(comparison.keys, ", ")));
  std::stable_sort(groups.begin(), groups.end(), [&](const RunGroup& a, const RunGroup& b) {
    return setting_less(a.settings[key], b.settings[key]);
  });
}

}  // namespace pgtrain
