#include "config/sweep.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "config/draw.h"
#include "config/scalar.h"
#include "config/value_list.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/rng.h"

namespace pgtrain {
namespace {

constexpr size_t kMaxLabel = 60;

using Settings = std::vector<std::string>;  // "key=value" each

struct Axis {
  std::string key;
  std::vector<std::string> values;
};

// A flag and its argument, for messages.
std::string flag_text(const char* flag, const std::string& argument) {
  const std::string shown = in_quotes(argument);
  return fmt::format("{} {}", flag, shown.substr(1, shown.size() - 2));
}

std::pair<std::string, std::string> split_key(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw ConfigError("the form is key=..., for example optimizer.learning_rate=1e-4,1e-3");
  const std::string key = text.substr(0, equals);
  if (key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") != std::string::npos)
    throw ConfigError(fmt::format("{} is not a key", in_quotes(key)));
  return {key, text.substr(equals + 1)};
}

// Calls read(key, rest) for "key=rest"; its ConfigErrors name the flag.
template <class F>
void read_flag(const char* flag, const std::string& argument, const F& read) {
  try {
    const auto [key, rest] = split_key(argument);
    read(key, rest);
  } catch (const ConfigError& e) {
    throw ConfigError(fmt::format("{}: {}", flag_text(flag, argument), e.what()));
  }
}

// Every key of the sweep once.
class KeySet {
 public:
  void add(const std::string& key) {
    if (key == "run.name" || key == "run.directory" || key == "run.threads")
      throw ConfigError("name, folder and threads of a run are for the sweep to choose");
    if (!keys_.insert(key).second) throw ConfigError(fmt::format("'{}' is given twice", key));
  }

 private:
  std::set<std::string> keys_;
};

Axis read_axis(const std::string& key, const std::string& list) {
  Axis axis = {key, parse_value_list(list)};
  std::set<std::string> seen;
  for (const std::string& value : axis.values)
    if (!seen.insert(canonical_value(value)).second)
      throw ConfigError(fmt::format("the value {} is given twice", in_quotes(value)));
  return axis;
}

std::vector<Axis> read_axes(const char* flag, const std::vector<std::string>& arguments,
                            KeySet& keys) {
  std::vector<Axis> axes;
  for (const std::string& argument : arguments)
    read_flag(flag, argument, [&](const std::string& key, const std::string& rest) {
      keys.add(key);
      axes.push_back(read_axis(key, rest));
    });
  return axes;
}

// The draws of all keys, one list of "key=value" for each point.
std::vector<Settings> draw_points(const SweepOptions& options, KeySet& keys) {
  std::vector<Settings> points(options.sample.empty() ? 1 : static_cast<size_t>(options.random));
  const Rng rng(static_cast<uint64_t>(options.sample_seed), Purpose::kSweep);
  for (const std::string& argument : options.sample)
    read_flag("--sample", argument, [&](const std::string& key, const std::string& rest) {
      keys.add(key);
      const Draw draw(rest);
      const std::string digest = sha256(key);
      const auto word = [&](size_t at) {
        return static_cast<uint32_t>(std::stoul(digest.substr(at, 8), nullptr, 16));
      };
      for (size_t k = 0; k < points.size(); ++k)
        points[k].push_back(key + "=" + draw.at(rng.uniform(k, word(0), word(8))));
    });
  return points;
}

std::string canonical(const std::string& override_text) {
  const size_t equals = override_text.find('=');
  return override_text.substr(0, equals + 1) + canonical_value(override_text.substr(equals + 1));
}

// Without points that repeat an earlier one.
std::vector<Settings> distinct(std::vector<Settings> points) {
  std::set<Settings> seen;
  std::vector<Settings> result;
  for (auto& point : points) {
    Settings spelling;
    for (const std::string& text : point) spelling.push_back(canonical(text));
    if (seen.insert(std::move(spelling)).second) result.push_back(std::move(point));
  }
  return result;
}

void check_count(const std::vector<Axis>& grid, size_t points, const std::vector<Axis>& seeds) {
  auto count = static_cast<double>(points);
  for (const auto& axes : {grid, seeds})
    for (const Axis& axis : axes) count *= static_cast<double>(axis.values.size());
  if (count > static_cast<double>(kMaxSweepRuns))
    throw ConfigError(
        fmt::format("the sweep has {:.0f} runs, at most {} are allowed", count, kMaxSweepRuns));
}

std::vector<Settings> settings_of(const Axis& axis) {
  std::vector<Settings> result;
  for (const std::string& value : axis.values) result.push_back({axis.key + "=" + value});
  return result;
}

// Each run with each of the additions.
std::vector<Settings> combine(const std::vector<Settings>& runs,
                              const std::vector<Settings>& additions) {
  std::vector<Settings> result;
  result.reserve(runs.size() * additions.size());
  for (const Settings& run : runs)
    for (const Settings& addition : additions) {
      result.push_back(run);
      result.back().insert(result.back().end(), addition.begin(), addition.end());
    }
  return result;
}

bool key_less(const std::string& a, const std::string& b) {
  return a.substr(0, a.find('=')) < b.substr(0, b.find('='));
}

// "learning_rate-0.001" of "optimizer.learning_rate=0.001".
std::string label_piece(const std::string& override_text) {
  const size_t equals = override_text.find('=');
  const std::string key = override_text.substr(0, equals);
  std::string piece = key.substr(key.rfind('.') + 1) + "-" + override_text.substr(equals + 1);
  for (char& c : piece)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 &&
        std::string("._+-").find(c) == std::string::npos)
      c = '_';
  return piece;
}

}  // namespace

std::string run_id(const Settings& swept, const Settings& fixed) {
  Settings label_texts;
  for (const std::string& text : swept) label_texts.push_back(canonical(text));
  std::sort(label_texts.begin(), label_texts.end());
  std::string label;
  for (const std::string& text : label_texts) {
    const std::string piece = label_piece(text) + "-";
    if (label.size() + piece.size() <= kMaxLabel) label += piece;
  }
  Settings all = std::move(label_texts);
  for (const std::string& text : fixed) all.push_back(canonical(text));
  std::sort(all.begin(), all.end());
  return label + sha256(fmt::format("{}\n", fmt::join(all, "\n"))).substr(0, 10);
}

std::vector<SweepRun> plan_sweep(const SweepOptions& options) {
  if (options.random < 0 || options.random > kMaxSweepRuns)
    throw ConfigError(
        fmt::format("--random is {}, from 1 to {} are allowed", options.random, kMaxSweepRuns));
  if (options.sample.empty() != (options.random == 0))
    throw ConfigError("--random N and --sample KEY=... go together");
  KeySet keys;
  for (const std::string& argument : options.fixed)
    read_flag("--set", argument,
              [&](const std::string& key, const std::string&) { keys.add(key); });
  const std::vector<Axis> grid = read_axes("--grid", options.grid, keys);
  const auto points = distinct(draw_points(options, keys));
  std::vector<Axis> seeds;
  if (!options.seeds.empty()) seeds = read_axes("--seeds", {"run.seed=" + options.seeds}, keys);
  check_count(grid, points.size(), seeds);
  std::vector<Settings> runs(1);
  for (const Axis& axis : grid) runs = combine(runs, settings_of(axis));
  runs = combine(runs, points);
  for (const Axis& axis : seeds) runs = combine(runs, settings_of(axis));
  std::vector<SweepRun> result;
  std::set<std::string> ids;
  for (Settings& overrides : runs) {
    const std::string id = run_id(overrides, options.fixed);
    PG_CHECK(ids.insert(id).second, "two runs have the id {}", id);
    overrides.insert(overrides.end(), options.fixed.begin(), options.fixed.end());
    std::sort(overrides.begin(), overrides.end(), key_less);
    result.push_back({id, std::move(overrides)});
  }
  return result;
}

}  // namespace pgtrain
