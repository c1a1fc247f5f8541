#include "reward/child_process.h"

#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "core/error.h"

namespace pgtrain {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kGrace(1000);  // to leave after being asked
constexpr milliseconds kLook(100);    // between looks whether a silent child has ended
constexpr milliseconds kShortLook(2);
constexpr size_t kChunk = size_t{1} << 16;
constexpr int kMaxLeftoverReads = 64;

// write() that reports a pipe without reader as EPIPE only: SIGPIPE would end a process that does
// not ignore it.
ssize_t write_without_signal(int fd, std::string_view bytes) {
  sigset_t broken_pipe;
  sigset_t pending;
  sigset_t before;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  const ssize_t written = ::write(fd, bytes.data(), bytes.size());
  const int error = errno;
  if (written < 0 && error == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
    const timespec no_wait = {};
    sigtimedwait(&broken_pipe, nullptr, &no_wait);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

bool is_passing(int error) { return error == EAGAIN || error == EINTR; }

// What is there to read. Closes the stream at its end.
std::string_view read_some(Descriptor& stream, std::array<char, kChunk>& buffer) {
  const ssize_t got = ::read(stream.get(), buffer.data(), buffer.size());
  if (got > 0) return {buffer.data(), static_cast<size_t>(got)};
  if (got == 0 || !is_passing(errno)) stream.close();
  return {};
}

std::string describe_ending(int status) {
  if (WIFEXITED(status)) return fmt::format("exited with status {}", WEXITSTATUS(status));
  if (!WIFSIGNALED(status)) return "ended";
  return fmt::format("was killed by signal {} ({})", WTERMSIG(status),
                     ::strsignal(WTERMSIG(status)));
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command) : process_(spawn(command)) {}

ChildProcess::~ChildProcess() { finish(); }

void ChildProcess::send(std::string_view bytes) {
  unsent_.erase(0, sent_);
  sent_ = 0;
  unsent_ += bytes;
  errors_.allow_more();
}

ChildProcess::Read ChildProcess::read_line(std::string& line, Clock::time_point deadline) {
  for (bool is_last_look = false;;) {
    if (line_length() > kMaxLineBytes) return Read::kTooLong;
    if (take_line(line)) return Read::kLine;
    if (!process_.output.is_open()) return Read::kEnd;
    if (is_last_look) return Read::kTimeout;
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    is_last_look = left <= milliseconds(0);
    if (pump(std::clamp(left, milliseconds(0), kLook))) continue;
    // Processes that it started may hold its stdout open for ever.
    if (has_exited() && !pump(milliseconds(0))) process_.output.close();
  }
}

void ChildProcess::finish() {
  if (is_reaped()) return;
  process_.input.close();
  if (wait_for_exit())
    reap(true);
  else
    terminate();
}

void ChildProcess::terminate() {
  if (is_reaped()) return;
  process_.input.close();
  ::kill(-process_.pid, SIGTERM);
  wait_for_exit();
  reap(false);
}

// Length of the next line, or of its beginning that is there.
size_t ChildProcess::line_length() const {
  return std::min(received_.find('\n', taken_), received_.size()) - taken_;
}

bool ChildProcess::take_line(std::string& line) {
  const size_t length = line_length();
  if (taken_ + length == received_.size()) return false;
  line.assign(received_, taken_, length);
  taken_ += length + 1;
  return true;
}

// Waits until a stream is ready, at most `wait`, and moves what it can. False when nothing was
// ready.
bool ChildProcess::pump(milliseconds wait) {
  // poll passes over negative descriptors.
  const bool writes = sent_ < unsent_.size();
  std::array<pollfd, 3> streams = {{{writes ? process_.input.get() : -1, POLLOUT, 0},
                                    {process_.output.get(), POLLIN, 0},
                                    {process_.errors.get(), POLLIN, 0}}};
  if (::poll(streams.data(), streams.size(), static_cast<int>(wait.count())) <= 0) return false;
  if (streams[0].revents != 0) write_input();
  if (streams[1].revents != 0) read_output();
  if (streams[2].revents != 0) read_errors();
  return true;
}

void ChildProcess::write_input() {
  const std::string_view rest = std::string_view(unsent_).substr(sent_);
  const ssize_t written = write_without_signal(process_.input.get(), rest);
  if (written >= 0)
    sent_ += static_cast<size_t>(written);
  else if (!is_passing(errno))
    process_.input.close();
}

void ChildProcess::read_output() {
  std::array<char, kChunk> buffer;
  received_.erase(0, taken_);
  taken_ = 0;
  received_ += read_some(process_.output, buffer);
}

void ChildProcess::read_errors() {
  std::array<char, kChunk> buffer;
  errors_.append(read_some(process_.errors, buffer));
}

// Leaves it to be reaped, so that its number stays taken.
bool ChildProcess::has_exited() const {
  siginfo_t info = {};
  const int found =
      ::waitid(P_PID, static_cast<id_t>(process_.pid), &info, WEXITED | WNOHANG | WNOWAIT);
  return found != 0 || info.si_pid != 0;
}

// Nobody wants its stdout any more, but it may hang on a full pipe.
bool ChildProcess::wait_for_exit() {
  const auto deadline = Clock::now() + kGrace;
  while (!has_exited()) {
    if (Clock::now() >= deadline) return false;
    pump(kShortLook);
    received_.clear();
    taken_ = 0;
  }
  return true;
}

// The group is killed before the child is reaped: afterwards its number could be someone else's.
void ChildProcess::reap(bool by_itself) {
  ::kill(-process_.pid, SIGKILL);
  int status = 0;
  pid_t reaped = 0;
  do {
    reaped = ::waitpid(process_.pid, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  process_.pid = -1;
  process_.output.close();
  for (int reads = 0; reads < kMaxLeftoverReads && pump(milliseconds(0)); ++reads) {
  }
  process_.errors.close();
  errors_.finish();
  if (by_itself) ending_ = reaped < 0 ? "ended" : describe_ending(status);
  process_.keeper.reset();
}

}  // namespace pgtrain
