// Starting a program beside pgtrain: its three streams are pipes, no shell is involved, and it dies
// with pgtrain, however pgtrain dies. (What the program starts itself is only ended with it while
// pgtrain lives: a SIGKILL of pgtrain leaves that to the program.)
#pragma once

#include <sys/types.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace pgtrain {

// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int get() const { return fd_; }  // -1 when closed
  bool is_open() const { return fd_ >= 0; }
  void close();

 private:
  int fd_ = -1;
};

// A thread that runs `start` and then stays until the destructor. Linux kills a child that asked to
// die with its parent as soon as the thread that forked it ends, so that thread must not be a
// worker of somebody else.
class KeeperThread {
 public:
  // Returns when `start`, which must not throw, has run. Throws Error when the system refuses a
  // thread.
  explicit KeeperThread(std::function<void()> start);
  ~KeeperThread();
  KeeperThread(const KeeperThread&) = delete;
  KeeperThread& operator=(const KeeperThread&) = delete;

 private:
  std::promise<void> release_;
  std::thread thread_;
};

struct SpawnedProcess {
  pid_t pid = -1;    // also the number of its process group; the owner must reap it
  Descriptor input;  // our ends of its stdin, stdout and stderr; they never block
  Descriptor output;
  Descriptor errors;
  std::unique_ptr<KeeperThread> keeper;  // the process is killed when this ends
};

// Starts command[0], looked for in PATH unless it has a slash, in a process group of its own (so
// that Ctrl-C at the terminal does not reach it), with pgtrain's folder and environment, no other
// open file and no ignored SIGPIPE. Returns once the program itself runs. Throws ConfigError when
// there is no such program or it cannot be executed, Error when the system refuses a process.
SpawnedProcess spawn(const std::vector<std::string>& command);

}  // namespace pgtrain
