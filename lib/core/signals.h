// Signals only set a flag; the training loop looks at it between steps, saves and leaves.
#pragma once

#include "core/error.h"

namespace pgtrain {

// Process-wide, because signal handlers are. install() makes SIGINT, SIGTERM and SIGUSR1 set the
// flag; a second SIGINT ends the process at once. SIGPIPE and SIGXFSZ are ignored, so that writes
// report errors.
class StopFlag {
 public:
  static void install();
  static bool raised();
  // kExitInterrupted after SIGINT, kExitStopped after SIGTERM or SIGUSR1, kExitDone when not
  // raised.
  static ExitCode exit_code();
  // For tests: raises the flag as the signal would, or lowers it (0).
  static void set(int signal);
};

}  // namespace pgtrain
