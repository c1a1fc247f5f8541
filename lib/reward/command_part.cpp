#include "reward/command_scorer.h"
#include "reward/part.h"

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

}  // namespace

std::unique_ptr<RewardPart> make_command_part(const RewardPartOptions& options) {
  CommandOptions command;
  command.command = options.command;
  command.timeout_seconds = options.timeout_seconds;
  command.max_restarts = options.max_restarts;
  try {
    return std::make_unique<CommandPart>(std::move(command));
  } catch (const ConfigError& e) {
    throw ConfigError(fmt::format("command: {}", e.what()));
  }
}

}  // namespace pgtrain
