#include "core/signals.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "support/support.h"

namespace pgtrain {
namespace {

// The wait status of a child that runs `body` and then leaves with its result.
template <class Body>
int status_of_child(Body&& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

int exit_code_after(int signal) {
  return status_of_child([signal] {
    StopFlag::install();
    if (StopFlag::raised()) return 1;
    raise(signal);
    return StopFlag::raised() ? static_cast<int>(StopFlag::exit_code()) : 1;
  });
}

TEST_CASE("the stop flag is lowered and raised by hand", "[core]") {
  CHECK_FALSE(StopFlag::raised());
  CHECK(StopFlag::exit_code() == kExitDone);
  StopFlag::set(SIGTERM);
  CHECK(StopFlag::raised());
  CHECK(StopFlag::exit_code() == kExitStopped);
  StopFlag::set(SIGINT);
  CHECK(StopFlag::exit_code() == kExitInterrupted);
  StopFlag::set(0);
  CHECK_FALSE(StopFlag::raised());
}

TEST_CASE("a stop signal only raises the flag", "[core]") {
  for (const int signal : {SIGTERM, SIGUSR1}) {
    const int status = exit_code_after(signal);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == kExitStopped);
  }
  const int status = exit_code_after(SIGINT);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == kExitInterrupted);
}

TEST_CASE("a second SIGINT ends the process at once", "[core]") {
  const int status = status_of_child([] {
    StopFlag::install();
    raise(SIGINT);
    raise(SIGINT);
    return 0;
  });
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("a broken pipe and the file size limit are errors of write, not deaths", "[core]") {
  const int status = status_of_child([] {
    StopFlag::install();
    raise(SIGPIPE);
    raise(SIGXFSZ);
    return StopFlag::raised() ? 1 : 7;
  });
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
}

}  // namespace
}  // namespace pgtrain
