#include "reward/spawn.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

#include "core/error.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

struct Pipe {
  Descriptor read;
  Descriptor write;
};

[[noreturn]] void fail(const char* what) {
  throw Error(fmt::format("reward command: {}: {}", what, std::strerror(errno)));
}

// Where pgtrain itself was started with a closed stream, a pipe could get its number, and the child
// could not sort them any more.
Descriptor above_streams(Descriptor end) {
  if (end.get() > STDERR_FILENO) return end;
  const int fd = ::fcntl(end.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (fd < 0) fail("cannot make a pipe");
  return Descriptor(fd);
}

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("cannot make a pipe");
  Pipe pipe = {Descriptor(ends[0]), Descriptor(ends[1])};
  return {above_streams(std::move(pipe.read)), above_streams(std::move(pipe.write))};
}

void never_block(const Descriptor& end) {
  if (::fcntl(end.get(), F_SETFL, O_NONBLOCK) != 0) fail("cannot set up a pipe");
}

struct Launch {
  Pipe input = make_pipe();
  Pipe output = make_pipe();
  Pipe errors = make_pipe();
  Pipe status = make_pipe();  // closed by a successful exec, else gets its errno
  pid_t parent = ::getpid();
  std::vector<char*> arguments;
};

// Runs between fork and exec, where only async-signal-safe calls are allowed.
[[noreturn]] void run_child(const Launch& launch) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != launch.parent) ::_exit(127);  // it died before the line above
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGXFSZ, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::dup2(launch.input.read.get(), STDIN_FILENO) >= 0 &&
      ::dup2(launch.output.write.get(), STDOUT_FILENO) >= 0 &&
      ::dup2(launch.errors.write.get(), STDERR_FILENO) >= 0) {
#ifdef SYS_close_range
    // Libraries open files without O_CLOEXEC. 4 is CLOSE_RANGE_CLOEXEC; an old kernel refuses it.
    ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 4U);
#endif
    ::execvp(launch.arguments.front(), launch.arguments.data());
  }
  const int error = errno;
  [[maybe_unused]] const ssize_t told = ::write(launch.status.write.get(), &error, sizeof error);
  ::_exit(127);
}

// 0 when the child runs the program, else the errno of its exec.
int exec_error(const Descriptor& status) {
  int error = 0;
  while (::read(status.get(), &error, sizeof error) < 0)
    if (errno != EINTR) return errno;
  return error;
}

[[noreturn]] void refuse(const std::string& program, int error) {
  std::string reason = std::strerror(error);
  if (error == ENOENT && program.find('/') == std::string::npos) {
    reason = "there is no such program in PATH";
  } else if (error == ENOENT) {
    reason = "there is no such file, or the program that its first line (#!) names is missing";
  } else if (error == EACCES) {
    reason = "the file is not executable (chmod +x makes it so)";
  }
  throw ConfigError(
      fmt::format("reward command: cannot start \"{}\": {}", escape_text(program), reason));
}

}  // namespace

void Descriptor::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

KeeperThread::KeeperThread(std::function<void()> start) {
  std::promise<void> started;
  const std::future<void> has_started = started.get_future();
  try {
    thread_ = std::thread([start = std::move(start), started = std::move(started),
                           released = release_.get_future()]() mutable {
      start();
      started.set_value();
      released.wait();
    });
  } catch (const std::system_error& e) {
    throw Error(fmt::format("reward command: cannot start a thread: {}", e.what()));
  }
  has_started.wait();
}

KeeperThread::~KeeperThread() {
  release_.set_value();
  thread_.join();
}

SpawnedProcess spawn(const std::vector<std::string>& command) {
  PG_CHECK(!command.empty(), "no command");
  Launch launch;
  for (const std::string& word : command)
    launch.arguments.push_back(const_cast<char*>(word.c_str()));
  launch.arguments.push_back(nullptr);
  never_block(launch.input.write);
  never_block(launch.output.read);
  never_block(launch.errors.read);

  SpawnedProcess process;
  int fork_error = 0;
  process.keeper = std::make_unique<KeeperThread>([&] {
    process.pid = ::fork();
    if (process.pid == 0) run_child(launch);
    if (process.pid < 0) fork_error = errno;
  });
  if (process.pid < 0)
    throw Error(
        fmt::format("reward command: cannot start a process: {}", std::strerror(fork_error)));
  launch.status.write.close();
  if (const int error = exec_error(launch.status.read); error != 0) {
    ::kill(process.pid, SIGKILL);
    ::waitpid(process.pid, nullptr, 0);
    refuse(command.front(), error);
  }
  process.input = std::move(launch.input.write);
  process.output = std::move(launch.output.read);
  process.errors = std::move(launch.errors.read);
  return process;
}

}  // namespace pgtrain
