#include "modelfile/file_bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <mutex>
#include <utility>

#include "core/error.h"

namespace pgtrain {
namespace {

// Volatile, and fenced below: the signal handler is a reader that the compiler does not see.
thread_local sigjmp_buf* volatile active_guard = nullptr;
struct sigaction previous_action;

void on_bus_error(int, siginfo_t*, void*) {
  if (active_guard != nullptr) siglongjmp(*active_guard, 1);
  // Not ours: the old handler meets the fault when the instruction runs again.
  ::sigaction(SIGBUS, &previous_action, nullptr);
}

void install_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    // The jump leaves the handler without restoring the signal mask, so nothing may be blocked.
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGBUS, &action, &previous_action);
  });
}

// False when a page could not be had. Nothing with a destructor may live between here and memcpy.
bool guarded_copy(void* to, const void* from, size_t bytes) {
  sigjmp_buf guard;
  if (sigsetjmp(guard, 0) != 0) {
    active_guard = nullptr;
    return false;
  }
  active_guard = &guard;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::memcpy(to, from, bytes);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  active_guard = nullptr;
  return true;
}

bool is_shorter_than(int fd, uint64_t size) {
  struct stat info {};
  return ::fstat(fd, &info) != 0 || static_cast<uint64_t>(info.st_size) < size;
}

}  // namespace

FileBytes FileBytes::open(const std::filesystem::path& path) {
  FileBytes file;
  file.path_ = path.string();
  // O_NONBLOCK: a named pipe must not make us wait.
  file.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.fd_ < 0)
    throw DataError(fmt::format("{}: cannot open: {}", file.path_, std::strerror(errno)));
  struct stat info {};
  if (::fstat(file.fd_, &info) != 0 || !S_ISREG(info.st_mode))
    throw DataError(fmt::format("{}: is not a plain file", file.path_));
  const auto size = static_cast<uint64_t>(info.st_size);
  if (size == 0) return file;
  void* const data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd_, 0);
  if (data == MAP_FAILED)
    throw DataError(fmt::format("{}: cannot map: {}", file.path_, std::strerror(errno)));
  file.data_ = static_cast<const char*>(data);
  file.size_ = size;
  install_handler();
  return file;
}

FileBytes FileBytes::from_memory(std::string bytes, const std::string& name) {
  FileBytes file;
  file.path_ = name;
  file.memory_ = std::move(bytes);
  file.size_ = file.memory_.size();
  return file;
}

FileBytes::FileBytes(FileBytes&& other) noexcept
    : path_(std::move(other.path_)),
      memory_(std::move(other.memory_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      fd_(std::exchange(other.fd_, -1)) {}

FileBytes::~FileBytes() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
  if (fd_ >= 0) ::close(fd_);
}

void FileBytes::copy(void* to, uint64_t offset, uint64_t bytes, const std::string& where) const {
  PG_CHECK(offset <= size_ && bytes <= size_ - offset, "{}: bytes {} to {} of {}", where, offset,
           offset + bytes, size_);
  if (bytes == 0) return;
  if (fd_ < 0) {
    std::memcpy(to, memory_.data() + offset, bytes);
    return;
  }
  const bool copied = guarded_copy(to, data_ + offset, bytes);
  if (is_shorter_than(fd_, size_))
    throw DataError(fmt::format("{}: the file became shorter while in use", where));
  if (!copied) throw DataError(fmt::format("{}: cannot read from the disk", where));
}

}  // namespace pgtrain
