#include "manual_page.h"

#include <spdlog/fmt/fmt.h>

#include <sstream>

#include "core/version.h"

namespace pgtrain {
namespace {

// One line of text as roff: no escapes, no requests, real hyphens.
std::string roff(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\')
      result += "\\e";
    else if (c == '-')
      result += "\\-";
    else
      result += c;
  }
  if (!result.empty() && (result[0] == '.' || result[0] == '\'')) result.insert(0, "\\&");
  return result;
}

std::string verbatim(const std::string& text) {
  std::string result = ".nf\n";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) result += roff(line) + "\n";
  return result + ".fi\n";
}

std::string option_item(const OptionHelp& option) {
  std::string names;
  for (const std::string& name : option.names)
    names += (names.empty() ? "" : ", ") + ("\\fB" + roff(name) + "\\fR");
  if (option.is_positional) names = "\\fI" + roff(option.names[0]) + "\\fR";
  std::string value;
  if (!option.choices.empty())
    value = " " + fmt::format("{}", fmt::join(option.choices, "|"));
  else if (!option.is_positional && !option.placeholder.empty())
    value = " \\fI" + roff(option.placeholder) + "\\fR";
  return ".TP\n" + names + value + "\n" + roff(option.description) + "\n";
}

std::string command_section(const CommandHelp& command, const std::string& path) {
  if (!command.commands.empty()) {
    std::string text;
    for (const CommandHelp& child : command.commands)
      text += command_section(child, path + " " + child.name);
    return text;
  }
  std::string text = ".SS " + roff(path) + "\n" + roff(command.description) + ".\n";
  for (const OptionHelp& option : command.options)
    if (option.names.back() != "--help") text += option_item(option);
  if (!command.footer.empty()) text += ".PP\n" + verbatim(command.footer);
  return text;
}

std::string key_items(const std::string& keys) {
  std::string text;
  std::istringstream lines(keys);
  for (std::string line; std::getline(lines, line);) {
    const size_t start = line.find_first_not_of(' ');
    if (start == std::string::npos) continue;
    if (start > 0) {
      text += roff(line.substr(start)) + "\n";
      continue;
    }
    const size_t colon = line.find(": ");
    text += ".TP\n\\fB" + roff(line.substr(0, colon)) + "\\fR" + roff(line.substr(colon)) + "\n";
  }
  return text;
}

}  // namespace

std::string manual_page(const CommandHelp& program, const std::string& keys) {
  std::string text = fmt::format(
      ".TH PGTRAIN 1 \"\" \"pgtrain {}\" \"User Commands\"\n"
      ".SH NAME\npgtrain \\- policy\\-gradient fine\\-tuning of language models towards target "
      "texts\n"
      ".SH SYNOPSIS\n.B pgtrain\n[\\fIoptions\\fR] \\fIcommand\\fR ...\n"
      ".SH DESCRIPTION\n"
      "Generates samples from a language model, scores each against its target text, turns the\n"
      "rewards into advantages with a baseline or a learned value, takes a policy\\-gradient "
      "step,\n"
      "and repeats. An experiment is one YAML file; a run that was killed at any moment goes on "
      "when\n"
      "the same command is given again, and ends with the same bits.\n"
      ".SH OPTIONS\n",
      kVersion);
  for (const OptionHelp& option : program.options) text += option_item(option);
  text += ".SH COMMANDS\n";
  for (const CommandHelp& command : program.commands)
    text += command_section(command, command.name);
  text += ".SH EXAMPLES AND EXIT STATUS\n" + verbatim(program.footer);
  text +=
      ".SH FILES\n"
      "A run directory holds\n"
      ".TP\n.I config.yaml\nthe experiment as it was resolved,\n"
      ".TP\n.I metrics.jsonl\na row for each warm\\-up step, step and evaluation,\n"
      ".TP\n.I completions.jsonl\nsampled completions with their targets and the parts of their "
      "reward,\n"
      ".TP\n.I timing.jsonl\nseconds and tokens a second of each step,\n"
      ".TP\n.I events.out.tfevents.*\nthe same for TensorBoard,\n"
      ".TP\n.I train.log\nmessages,\n"
      ".TP\n.I checkpoints/\nsafetensors and JSON, with the links\n.I latest\nand\n.IR best .\n"
      ".SH ENVIRONMENT\n"
      ".TP\n.B PGTRAIN_KERNELS\nportable, avx2 or avx512: which kernels to use instead of the best "
      "that the processor has.\n"
      ".TP\n.B TMPDIR\nwhere\n.B pgtrain bench\nand\n.B pgtrain validate\nwork; /tmp when it is "
      "not set.\n"
      ".SH EXPERIMENT FILE\n"
      "The keys, dotted; in the file each dot is a level of nesting. reward.N stands for each "
      "element of the list.\n";
  return text + key_items(keys);
}

}  // namespace pgtrain
