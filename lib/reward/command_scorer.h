// A reward computed by a program of the user: it is started once and then asked batch after batch
// in the lines that command_protocol.h describes. scripts/reward_command.py is an example.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "reward/child_process.h"
#include "reward/command_protocol.h"

namespace pgtrain {

struct CommandOptions {
  std::vector<std::string> command;  // the program and its arguments; no shell takes them apart
  double timeout_seconds = 60;       // for the answers to a batch; also for the first one, which
                                     // waits for the program to get ready
  int64_t max_restarts = 3;          // for one batch; 0 = never
  double restart_delay_seconds = 1;  // before the first restart, doubled for each further one up
                                     // to 30 seconds; 0 = none
};

// A command that exits, closes its output or does not answer in time is started again and gets the
// whole batch once more; after max_restarts of that, and at once when it breaks the protocol, score
// throws DataError with the reason, the line at fault and the end of the command's stderr. Every
// later call then throws the same.
//
// After a stop signal to pgtrain (core/signals.h) the command has 10 seconds to finish the batch
// and is not started again; then score throws Error with the exit code of the signal, and the run
// goes on from its last checkpoint when it is started again. Ctrl-C does not reach the command.
class CommandScorer {
 public:
  // Starts the command. Throws ConfigError when that is not possible or an option makes no sense.
  explicit CommandScorer(CommandOptions options);

  // One answer for each input, in order. May be called from several threads at once; the command
  // gets one batch at a time.
  std::vector<CommandAnswer> score(const std::vector<RewardInput>& batch);

 private:
  std::vector<CommandAnswer> score_with_restarts(const std::vector<RewardInput>& batch);
  std::string exchange(const std::string& requests, AnswerSheet& sheet);
  std::string start_if_ended();
  std::string receive(AnswerSheet& sheet);
  void take(AnswerSheet& sheet, const std::string& line);
  std::string ending(const AnswerSheet& sheet);
  std::string timeout(const AnswerSheet& sheet);
  [[noreturn]] void refuse(const std::string& what, std::string_view line);
  [[noreturn]] void fail(const std::string& what);
  [[noreturn]] void stop();

  CommandOptions options_;
  std::mutex mutex_;
  std::unique_ptr<ChildProcess> child_;  // never null; reaped after a failure
  int64_t next_id_ = 0;
  std::exception_ptr failure_;  // of an earlier call
};

}  // namespace pgtrain
