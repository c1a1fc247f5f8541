#include "core/signals.h"

#include <atomic>
#include <csignal>

namespace pgtrain {
namespace {

// The handler may run on any thread: lock-free, so that it is also safe in a handler.
std::atomic<int> raised_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_stop_signal(int signal) {
  raised_signal = signal;
  if (signal == SIGINT) std::signal(SIGINT, SIG_DFL);
}

}  // namespace

void StopFlag::install() {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

bool StopFlag::raised() { return raised_signal != 0; }

ExitCode StopFlag::exit_code() {
  if (raised_signal == 0) return kExitDone;
  return raised_signal == SIGINT ? kExitInterrupted : kExitStopped;
}

void StopFlag::set(int signal) { raised_signal = signal; }

}  // namespace pgtrain
