#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "reward/command_scorer.h"
#include "reward/part.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

// What a program of the user answers; its own parts go into the note.
class CommandPart final : public RewardPart {
 public:
  explicit CommandPart(CommandOptions options) : scorer_(std::move(options)) {}

  std::vector<PartScore> score(const ScoreBatch& batch) const override {
    std::vector<PartScore> scores;
    scores.reserve(batch.inputs.size());
    for (const CommandAnswer& answer : scorer_.score(batch.inputs)) {
      std::string note;
      for (const auto& [name, value] : answer.parts)
        note += fmt::format("{}{} {:g}", note.empty() ? "" : ", ", name, value);
      scores.push_back({answer.reward, note});
    }
    return scores;
  }

 private:
  mutable CommandScorer scorer_;  // one batch at a time, behind a lock of its own
};

// Stands for a program that is not started.
class UnstartedPart final : public RewardPart {
 public:
  std::vector<PartScore> score(const ScoreBatch& /*batch*/) const override {
    throw InternalError("the reward command was not started");
  }
};

// The program that execvp would run exists: a path, or a name in PATH.
void check_program(const std::string& program) {
  const auto is_executable = [](const std::string& path) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
  };
  if (program.find('/') != std::string::npos) {
    if (!is_executable(program))
      throw ConfigError(fmt::format("'{}' is no executable file", escape_text(program)));
    return;
  }
  const char* variable = std::getenv("PATH");
  std::istringstream folders(variable != nullptr ? variable : "/bin:/usr/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (is_executable((folder.empty() ? "." : folder) + "/" + program)) return;
  throw ConfigError(fmt::format("there is no program '{}' in PATH", escape_text(program)));
}

}  // namespace

std::unique_ptr<RewardPart> make_command_part(const RewardPartOptions& options,
                                              const RewardContext& context) {
  CommandOptions command;
  command.command = options.command;
  command.timeout_seconds = options.timeout_seconds;
  command.max_restarts = options.max_restarts;
  try {
    if (!context.start_commands) {
      if (!command.command.empty()) check_program(command.command.front());
      return std::make_unique<UnstartedPart>();
    }
    return std::make_unique<CommandPart>(std::move(command));
  } catch (const ConfigError& e) {
    throw ConfigError(fmt::format("command: {}", e.what()));
  }
}

}  // namespace pgtrain
