// A long-lived child that is talked to in lines, never blocking for longer than a deadline.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "reward/spawn.h"
#include "reward/stderr_log.h"

namespace pgtrain {

// Not for several threads at once, but any thread may use it. A dead child is never a signal or a
// crash of pgtrain, only a result of read_line.
class ChildProcess {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Read {
    kLine,
    kTimeout,  // no whole line by the deadline
    kEnd,      // it closed its stdout or ended; an unfinished last line is dropped
    kTooLong,  // a line of more than kMaxLineBytes
  };
  static constexpr size_t kMaxLineBytes = size_t{1} << 20;

  // Starts it; throws as spawn() does.
  explicit ChildProcess(const std::vector<std::string>& command);
  // As finish().
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Adds to what is written to its stdin. The writing is done while read_line waits, so that
  // neither side blocks the other, however much it is.
  void send(std::string_view bytes);

  // The next line of its stdout, without the line end. Its stderr is read meanwhile. A deadline
  // that has passed takes only what is there already.
  Read read_line(std::string& line, Clock::time_point deadline);

  // Closes its stdin, which asks it to leave, and waits a second; then as terminate(). No effect on
  // a child that has ended.
  void finish();
  // Sends SIGTERM to its whole process group, waits a second, kills what is left of the group and
  // reaps the child.
  void terminate();

  // True after finish() or terminate().
  bool is_reaped() const { return process_.pid < 0; }
  // "exited with status 1" or "was killed by signal 11 (Segmentation fault)"; empty when it is not
  // reaped or had to be terminated.
  const std::string& ending() const { return ending_; }
  // As StderrLog::last_lines; complete once the child is reaped.
  const std::deque<std::string>& last_error_lines() const { return errors_.last_lines(); }

 private:
  bool take_line(std::string& line);
  size_t line_length() const;
  bool pump(std::chrono::milliseconds wait);
  void write_input();
  void read_output();
  void read_errors();
  bool has_exited() const;
  bool wait_for_exit();
  void reap(bool by_itself);

  SpawnedProcess process_;
  std::string unsent_;  // from sent_ on
  size_t sent_ = 0;
  std::string received_;  // from taken_ on
  size_t taken_ = 0;
  StderrLog errors_;
  std::string ending_;
};

}  // namespace pgtrain
