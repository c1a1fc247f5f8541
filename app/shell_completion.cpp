#include "shell_completion.h"

#include <spdlog/fmt/fmt.h>

#include <functional>

namespace pgtrain {
namespace {

using Value = OptionHelp::Value;

// In single quotes, for any of the three shells: none of our texts has a backslash.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

// Depth first; path is "" for the program, "config show" for a command of a command.
using Visit = std::function<void(const CommandHelp& command, const std::string& path)>;
void visit(const CommandHelp& command, const std::string& path, const Visit& see) {
  see(command, path);
  for (const CommandHelp& child : command.commands)
    visit(child, path.empty() ? child.name : path + " " + child.name, see);
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

std::vector<std::string> flag_names(const CommandHelp& command) {
  std::vector<std::string> names;
  for (const OptionHelp& option : command.options)
    if (!option.is_positional) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

std::vector<std::string> command_names(const CommandHelp& command) {
  std::vector<std::string> names;
  for (const CommandHelp& child : command.commands) names.push_back(child.name);
  return names;
}

// What may stand where an argument without a dash stands: commands, listed values.
std::vector<std::string> plain_words(const CommandHelp& command) {
  std::vector<std::string> words = command_names(command);
  for (const OptionHelp& option : command.options)
    if (option.is_positional)
      words.insert(words.end(), option.choices.begin(), option.choices.end());
  return words;
}

// "key=" and, where values are listed, "key=value".
std::vector<std::string> setting_words(const std::vector<SettingHelp>& settings) {
  std::vector<std::string> words;
  for (const auto& [key, choices] : settings) {
    if (choices.empty()) words.push_back(key + "=");
    for (const std::string& choice : choices) words.push_back(key + "=" + choice);
  }
  return words;
}

std::vector<std::string> setting_keys(const std::vector<SettingHelp>& settings) {
  std::vector<std::string> keys;
  for (const SettingHelp& setting : settings) keys.push_back(setting.key);
  return keys;
}

// The patterns of a case: "train --set|train -s".
std::string patterns(const std::string& path, const std::vector<std::string>& names) {
  std::string result;
  for (const std::string& name : names)
    result += (result.empty() ? "" : "|") + quoted(path + " " + name);
  return result;
}

// The lines "'' train|..." of the case that finds which command a line is about; `assign` has the
// shell's assignment.
std::string command_patterns(const CommandHelp& program) {
  std::string result;
  visit(program, "", [&](const CommandHelp& command, const std::string& path) {
    for (const CommandHelp& child : command.commands)
      result += (result.empty() ? "" : "|") + quoted(path + " " + child.name);
  });
  return result;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

std::string bash_completion(const CommandHelp& program, const std::vector<SettingHelp>& settings) {
  std::string values;
  std::string words;
  visit(program, "", [&](const CommandHelp& command, const std::string& path) {
    for (const OptionHelp& option : command.options) {
      if (option.is_positional || option.value == Value::kNone) continue;
      const char* action = option.value == Value::kSetting ? "compopt -o nospace; words=$keys"
                           : option.value == Value::kText  ? "files=1"
                                                           : "";
      values += fmt::format(
          "    {}) {} ;;\n", patterns(path, option.names),
          *action != '\0' ? std::string(action) : "words=" + quoted(joined(option.choices)));
    }
    const bool takes_key = path == "config explain";
    words += fmt::format("    {}) flags={} plain={} ;;\n", quoted(path),
                         quoted(joined(flag_names(command))),
                         takes_key ? "$names" : quoted(joined(plain_words(command))));
  });
  std::string setting_cases;
  for (const auto& [key, choices] : settings)
    if (!choices.empty())
      setting_cases += fmt::format("      {}) words={} ;;\n", key, quoted(joined(choices)));
  return fmt::format(R"(# bash completion for pgtrain; made by: pgtrain completion bash
_pgtrain() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}}
  local command='' words='' flags='' plain='' files='' i
  local names={names}
  local keys="${{names// /= }}="
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$command ${{COMP_WORDS[i]}}" in
    {commands}) command=${{command:+$command }}${{COMP_WORDS[i]}} ;;
    esac
  done
  COMPREPLY=()
  # bash cuts words at '=': KEY = VALUE
  if [[ $cur == '=' ]]; then prev='='; cur=''; i=$((COMP_CWORD - 1)); else i=$((COMP_CWORD - 2)); fi
  if [[ $prev == '=' && $i -gt 0 ]]; then
    case ${{COMP_WORDS[i]}} in
{settings}      *) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    return
  fi
  case "$command $prev" in
{values}  esac
  if [[ -n $files ]]; then
    compopt -o filenames
    COMPREPLY=($(compgen -f -- "$cur"))
    return
  fi
  if [[ -z $words ]]; then
    case $command in
{words}    esac
    if [[ $cur == -* ]]; then words=$flags; else words=$plain; fi
  fi
  if [[ -z $words ]]; then
    compopt -o filenames
    COMPREPLY=($(compgen -f -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}}
complete -F _pgtrain pgtrain
)",
                     fmt::arg("names", quoted(joined(setting_keys(settings)))),
                     fmt::arg("commands", command_patterns(program)),
                     fmt::arg("settings", setting_cases), fmt::arg("values", values),
                     fmt::arg("words", words));
}

std::string zsh_completion(const CommandHelp& program, const std::vector<SettingHelp>& settings) {
  // "name:what it is"; no name has a colon.
  const auto described = [](const std::string& name, const std::string& description) {
    return quoted(name + ":" + first_line(description));
  };
  std::string values;
  std::string words;
  visit(program, "", [&](const CommandHelp& command, const std::string& path) {
    std::string flags;
    std::string plain;
    for (const CommandHelp& child : command.commands)
      plain += " " + described(child.name, child.description);
    for (const OptionHelp& option : command.options) {
      if (option.is_positional) {
        for (const std::string& choice : option.choices) plain += " " + quoted(choice);
        continue;
      }
      for (const std::string& name : option.names)
        flags += " " + described(name, option.description);
      if (option.value == Value::kNone) continue;
      values += fmt::format("    {}) {} ;;\n", patterns(path, option.names),
                            option.value == Value::kSetting ? "compadd -S '' -- $settings; return"
                            : option.value == Value::kText
                                ? "_files; return"
                                : "compadd -- " + joined(option.choices) + "; return");
    }
    if (path == "config explain") plain = " $keys";
    words += fmt::format("    {}) flags=({}) plain=({}) ;;\n", quoted(path), flags, plain);
  });
  return fmt::format(R"(#compdef pgtrain
# zsh completion for pgtrain; made by: pgtrain completion zsh
_pgtrain() {{
  local command='' i
  local -a flags plain settings keys
  settings=({settings})
  keys=({keys})
  for ((i = 2; i < CURRENT; ++i)); do
    case "$command ${{words[i]}}" in
    {commands}) command=${{command:+$command }}${{words[i]}} ;;
    esac
  done
  case "$command ${{words[CURRENT-1]}}" in
{values}  esac
  case $command in
{words}  esac
  if [[ ${{words[CURRENT]}} == -* ]]; then
    _describe 'flag' flags
  elif (( $#plain )); then
    _describe 'argument' plain
  else
    _files
  fi
}}
if [[ $funcstack[1] == _pgtrain ]]; then _pgtrain "$@"; else compdef _pgtrain pgtrain; fi
)",
                     fmt::arg("settings", joined(setting_words(settings))),
                     fmt::arg("keys", joined(setting_keys(settings))),
                     fmt::arg("commands", command_patterns(program)), fmt::arg("values", values),
                     fmt::arg("words", words));
}

std::string fish_completion(const CommandHelp& program, const std::vector<SettingHelp>& settings) {
  std::string text = fmt::format(
      "# fish completion for pgtrain; made by: pgtrain completion fish\n"
      "function __pgtrain_settings\n  string split ' ' {}\nend\n"
      "function __pgtrain_keys\n  string split ' ' {}\nend\n",
      quoted(joined(setting_words(settings))), quoted(joined(setting_keys(settings))));
  visit(program, "", [&](const CommandHelp& command, const std::string& path) {
    std::string condition = "__fish_use_subcommand";
    if (!path.empty()) {
      condition = "__fish_seen_subcommand_from " + path.substr(0, path.find(' '));
      if (path.find(' ') != std::string::npos)
        condition += "; and __fish_seen_subcommand_from " + path.substr(path.find(' ') + 1);
      else if (!command.commands.empty())
        condition += "; and not __fish_seen_subcommand_from " + joined(command_names(command));
    }
    const std::string start = "complete -c pgtrain -n " + quoted(condition);
    for (const CommandHelp& child : command.commands)
      text += fmt::format("{} -f -a {} -d {}\n", start, quoted(child.name),
                          quoted(first_line(child.description)));
    if (path == "config explain") text += start + " -f -a '(__pgtrain_keys)'\n";
    for (const OptionHelp& option : command.options) {
      if (option.is_positional) {
        if (!option.choices.empty())
          text += fmt::format("{} -f -a {}\n", start, quoted(joined(option.choices)));
        continue;
      }
      text += start;
      for (const std::string& name : option.names)
        text += name[1] == '-' ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (option.value == Value::kSetting) text += " -x -a '(__pgtrain_settings)'";
      if (option.value == Value::kText) text += " -r";
      if (option.value == Value::kChoice) text += " -x -a " + quoted(joined(option.choices));
      text += " -d " + quoted(first_line(option.description)) + "\n";
    }
  });
  return text;
}

}  // namespace pgtrain
