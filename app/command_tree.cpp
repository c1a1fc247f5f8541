#include "command_tree.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "train/experiment.h"

namespace pgtrain {
namespace {

// "TEXT:{best,latest}", as CLI::IsMember describes itself.
std::vector<std::string> choices_of(const std::string& type) {
  const size_t open = type.find('{');
  const size_t close = type.find('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  return CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
}

bool takes_settings(const OptionHelp& option, const std::string& command) {
  return command != "score" &&
         std::any_of(option.names.begin(), option.names.end(), [](const std::string& name) {
           return name == "--set" || name == "--grid" || name == "--sample";
         });
}

OptionHelp help_of(const CLI::Option& option, const std::string& command) {
  OptionHelp help;
  help.is_positional = !option.nonpositional();
  help.description = option.get_description();
  if (help.is_positional) {
    help.names = {option.get_name(true)};
  } else {
    for (const std::string& name : option.get_snames()) help.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) help.names.push_back("--" + name);
  }
  if (option.get_items_expected_max() == 0) return help;
  const std::string type = option.get_type_name();
  help.placeholder = type.substr(0, type.find(':'));
  help.choices = choices_of(type);
  if (takes_settings(help, command))
    help.value = OptionHelp::Value::kSetting;
  else
    help.value = help.choices.empty() ? OptionHelp::Value::kText : OptionHelp::Value::kChoice;
  return help;
}

void add_settings(const Section& section, std::vector<SettingHelp>& settings) {
  for (const Section::Item& item : section.items()) {
    if (const auto* field = std::get_if<std::unique_ptr<Field>>(&item.content)) {
      std::vector<std::string> choices = (*field)->choices();
      if (std::holds_alternative<bool>((*field)->default_value())) choices = {"true", "false"};
      std::string key = (*field)->path();
      const size_t element = key.find(".N.");
      if (element != std::string::npos) key.replace(element, 3, ".0.");
      settings.push_back({key, choices});
    } else if (const auto* list = std::get_if<std::unique_ptr<BlockList>>(&item.content)) {
      add_settings((*list)->element(), settings);
    } else {
      add_settings(*std::get<std::unique_ptr<Section>>(item.content), settings);
    }
  }
}

}  // namespace

CommandHelp help_of(const CLI::App& app) {
  CommandHelp help;
  help.name = app.get_name();
  help.description = app.get_description();
  help.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options())
    help.options.push_back(help_of(*option, help.name));
  for (const CLI::App* command : app.get_subcommands({}))
    help.commands.push_back(help_of(*command));
  return help;
}

std::vector<SettingHelp> all_settings() {
  Section root;
  ExperimentConfig config;
  describe(root, config);
  std::vector<SettingHelp> settings;
  add_settings(root, settings);
  return settings;
}

}  // namespace pgtrain
