// Runs the built binary as a user would: its own process, exact arguments, never through a shell.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "support/support.h"

namespace pgtrain::test {

struct ProcessOptions {
  std::string program = PGTRAIN_BINARY;
  std::string directory = ".";  // working directory
  std::string input;            // standard input
  std::string output;           // a file for standard output, such as /dev/full; empty = captured
  std::vector<std::pair<std::string, std::string>> environment;  // set besides the test's own
  bool closed_streams = false;  // standard output and error are closed, not captured
  uint64_t max_file_bytes = 0;  // RLIMIT_FSIZE; 0 = no limit
};

struct ProcessResult {
  int code = 0;    // exit code; 0 when a signal ended it
  int signal = 0;  // the signal that ended it, or 0
  std::string out;
  std::string err;
};

// A running pgtrain; killed at the end of the scope when it still runs.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments, const ProcessOptions& options = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void send(int signal) const;
  bool is_running();
  // Waits until the condition holds; false when the process ended, or a minute passed, before.
  bool wait_until(const std::function<bool()>& condition);
  // Waits for the end; after the timeout the process is killed and an exception thrown.
  ProcessResult wait(std::chrono::seconds timeout = std::chrono::seconds(120));

 private:
  void take_status(int status);

  TempDir streams_;
  ProcessOptions options_;
  pid_t pid_ = -1;
  bool ended_ = false;
  ProcessResult result_;
};

ProcessResult run_pgtrain(const std::vector<std::string>& arguments,
                          const ProcessOptions& options = {});

}  // namespace pgtrain::test
