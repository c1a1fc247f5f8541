// The commands and flags as data, for completion scripts and the manual page.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace pgtrain {

struct OptionHelp {
  enum class Value { kNone, kText, kChoice, kSetting };

  std::vector<std::string> names;  // "-s", "--set"; of a positional argument its one name
  std::string description;
  Value value = Value::kNone;  // kSetting: KEY=VALUE of an experiment
  std::string placeholder;     // "TEXT", "INT"; empty for a flag
  std::vector<std::string> choices;
  bool is_positional = false;
};

struct CommandHelp {
  std::string name;
  std::string description;
  std::string footer;
  std::vector<OptionHelp> options;
  std::vector<CommandHelp> commands;
};

CommandHelp help_of(const CLI::App& app);

// A setting of an experiment: its dotted key, "reward.0.metric" for elements of lists, and the
// values that it may take where these are listed.
struct SettingHelp {
  std::string key;
  std::vector<std::string> choices;
};

std::vector<SettingHelp> all_settings();

}  // namespace pgtrain
