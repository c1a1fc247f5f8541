#include "reward/command_scorer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

#include "core/error.h"
#include "core/signals.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using Clock = ChildProcess::Clock;
using Read = ChildProcess::Read;

constexpr double kMaxDelaySeconds = 30;
constexpr double kMaxTimeoutSeconds = 1e6;
constexpr size_t kExcerptBytes = 200;
constexpr std::chrono::seconds kStopGrace(10);
constexpr std::chrono::milliseconds kLookForStop(200);

void check(const CommandOptions& o) {
  const auto refuse = [](const std::string& what) { throw ConfigError("reward command: " + what); };
  if (o.command.empty() || o.command.front().empty())
    refuse("command is empty; it is a list of the program and its arguments");
  for (const std::string& word : o.command)
    if (word.find('\0') != std::string::npos) refuse("command holds a zero byte");
  if (!(o.timeout_seconds > 0 && o.timeout_seconds <= kMaxTimeoutSeconds))
    refuse(fmt::format("timeout_seconds is {}; it must be above 0 and at most {}",
                       o.timeout_seconds, kMaxTimeoutSeconds));
  if (o.max_restarts < 0)
    refuse(fmt::format("max_restarts is {}; it must be at least 0", o.max_restarts));
  if (!(o.restart_delay_seconds >= 0 && o.restart_delay_seconds <= kMaxDelaySeconds))
    refuse(fmt::format("restart_delay_seconds is {}; it must be between 0 and {}",
                       o.restart_delay_seconds, kMaxDelaySeconds));
}

// Escaped, and cut between two characters.
std::string excerpt(std::string_view line) {
  if (line.size() <= kExcerptBytes) return escape_text(line);
  size_t end = kExcerptBytes;
  while (end > kExcerptBytes - 4 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80) --end;
  return escape_text(line.substr(0, end)) + "...";
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

double delay_seconds(const CommandOptions& o, int64_t restarts) {
  const double doubled =
      std::ldexp(o.restart_delay_seconds, static_cast<int>(std::min<int64_t>(restarts, 60)));
  return std::min(kMaxDelaySeconds, doubled);
}

}  // namespace

CommandScorer::CommandScorer(CommandOptions options) : options_(std::move(options)) {
  check(options_);
  child_ = std::make_unique<ChildProcess>(options_.command);
}

std::vector<CommandAnswer> CommandScorer::score(const std::vector<RewardInput>& batch) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  if (batch.empty()) return {};
  return score_with_restarts(batch);
}

std::vector<CommandAnswer> CommandScorer::score_with_restarts(
    const std::vector<RewardInput>& batch) {
  const int64_t first_id = next_id_;
  next_id_ += static_cast<int64_t>(batch.size());
  const std::string requests = request_lines(batch, first_id);
  for (int64_t restarts = 0;; ++restarts) {
    AnswerSheet sheet(first_id, batch.size());
    const std::string problem = exchange(requests, sheet);
    if (problem.empty()) return sheet.take();
    if (StopFlag::raised()) stop();
    if (restarts == options_.max_restarts)
      fail(restarts == 0 ? problem
                         : fmt::format("{}, at the last of {} starts", problem, restarts + 1));
    const double delay = delay_seconds(options_, restarts);
    spdlog::warn("the reward command {}; restart {} of {} in {} s", problem, restarts + 1,
                 options_.max_restarts, delay);
    std::this_thread::sleep_for(std::chrono::duration<double>(delay));
  }
}

// "" when all answers have come; otherwise what the command did (it is reaped then), for a restart.
std::string CommandScorer::exchange(const std::string& requests, AnswerSheet& sheet) {
  if (std::string problem = start_if_ended(); !problem.empty()) return problem;
  std::string line;
  const Read early = child_->read_line(line, Clock::now());
  if (early == Read::kLine) refuse("wrote a line before it was asked", line);
  if (early == Read::kEnd) return ending(sheet);
  child_->send(requests);
  return receive(sheet);
}

std::string CommandScorer::start_if_ended() {
  if (!child_->is_reaped()) return "";
  try {
    child_ = std::make_unique<ChildProcess>(options_.command);
    return "";
  } catch (const Error& e) {
    return fmt::format("could not be started again: {}", e.what());
  }
}

std::string CommandScorer::receive(AnswerSheet& sheet) {
  auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                     std::chrono::duration<double>(options_.timeout_seconds));
  bool is_stopping = false;
  std::string line;
  while (!sheet.is_complete()) {
    if (StopFlag::raised() && !is_stopping) {
      is_stopping = true;
      deadline = std::min(deadline, Clock::now() + kStopGrace);
    }
    switch (child_->read_line(line, std::min(deadline, Clock::now() + kLookForStop))) {
      case Read::kLine:
        take(sheet, line);
        break;
      case Read::kTimeout:
        if (Clock::now() < deadline) break;
        return timeout(sheet);
      case Read::kEnd:
        return ending(sheet);
      case Read::kTooLong:
        refuse(fmt::format("wrote a line of more than {} bytes", ChildProcess::kMaxLineBytes), "");
    }
  }
  return "";
}

void CommandScorer::take(AnswerSheet& sheet, const std::string& line) {
  try {
    sheet.add(line);
  } catch (const DataError& e) {
    refuse(e.what(), line);
  }
}

std::string CommandScorer::ending(const AnswerSheet& sheet) {
  child_->finish();
  return fmt::format("{} after {} of {} answers",
                     child_->ending().empty() ? "closed its output" : child_->ending(),
                     sheet.answered(), sheet.requests());
}

std::string CommandScorer::timeout(const AnswerSheet& sheet) {
  child_->terminate();
  return fmt::format("gave {} of {} answers within {} s{}", sheet.answered(), sheet.requests(),
                     options_.timeout_seconds,
                     sheet.answered() == 0 ? " (does it flush its output?)" : "");
}

// A breach of the protocol; a restart would not mend it.
void CommandScorer::refuse(const std::string& what, std::string_view line) {
  child_->terminate();
  fail(line.empty() ? what : fmt::format("{}: \"{}\"", what, excerpt(line)));
}

void CommandScorer::fail(const std::string& what) {
  std::string message =
      fmt::format("reward command \"{}\": it {}", excerpt(join(options_.command)), what);
  const auto& said = child_->last_error_lines();
  if (!said.empty()) message += "\nthe end of its stderr:";
  for (const std::string& line : said) message += "\n  " + line;
  failure_ = std::make_exception_ptr(DataError(message));
  std::rethrow_exception(failure_);
}

void CommandScorer::stop() {
  failure_ = std::make_exception_ptr(
      Error("stopped by a signal while waiting for the reward command; run again to go on from the "
            "last checkpoint",
            StopFlag::exit_code()));
  std::rethrow_exception(failure_);
}

}  // namespace pgtrain
