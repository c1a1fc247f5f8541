#include "core/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/error.h"

namespace pgtrain {
namespace fs = std::filesystem;
namespace {

std::string reason() { return std::strerror(errno); }

void write_all(int fd, const void* data, uint64_t bytes, const std::string& path) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::write(fd, at, bytes);
    if (written < 0) {
      if (errno == EINTR) continue;
      throw DiskError(fmt::format("{}: cannot write: {}", path, reason()));
    }
    at += written;
    bytes -= static_cast<uint64_t>(written);
  }
}

void sync_fd(int fd, const std::string& path) {
  if (::fsync(fd) != 0)
    throw DiskError(fmt::format("{}: cannot flush to disk: {}", path, reason()));
}

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw DataError(fmt::format("{}: cannot open: {}", path.string(), reason()));
  struct stat info {};
  std::string bytes;
  std::string problem;
  if (::fstat(fd, &info) != 0) {
    problem = reason();
  } else if (S_ISDIR(info.st_mode)) {
    problem = "is a folder, a file is needed";
  } else if (S_ISREG(info.st_mode)) {
    bytes.reserve(std::min<uint64_t>(static_cast<uint64_t>(info.st_size), max_bytes));
  }
  char buffer[1 << 16];
  while (problem.empty()) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got == 0) break;
    if (got < 0) {
      if (errno == EINTR) continue;
      problem = "cannot read: " + reason();
    } else if (bytes.size() + static_cast<uint64_t>(got) > max_bytes) {
      problem = fmt::format("larger than the limit of {} bytes", max_bytes);
    } else {
      bytes.append(buffer, static_cast<size_t>(got));
    }
  }
  ::close(fd);
  if (!problem.empty()) throw DataError(fmt::format("{}: {}", path.string(), problem));
  return bytes;
}

void sync_directory(const fs::path& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    throw DiskError(fmt::format("{}: cannot open the folder: {}", directory.string(), reason()));
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  // Some file systems cannot fsync a folder and say EINVAL: there the rename itself is all there
  // is.
  if (error != 0 && error != EINVAL)
    throw DiskError(
        fmt::format("{}: cannot flush to disk: {}", directory.string(), std::strerror(error)));
}

void make_directories(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error || !fs::is_directory(directory, error))
    throw DiskError(fmt::format("{}: cannot create the folder: {}", directory.string(),
                                error ? error.message() : "a file is in the way"));
}

void write_file_atomic(const fs::path& path, std::string_view bytes) {
  const fs::path temporary = path.string() + ".tmp";
  try {
    OutputFile file(temporary);
    file.write(bytes.data(), bytes.size());
    file.close();
    if (::rename(temporary.c_str(), path.c_str()) != 0)
      throw DiskError(fmt::format("{}: cannot replace: {}", path.string(), reason()));
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_directory(parent_of(path));
}

void replace_link(const fs::path& target, const fs::path& link) {
  const fs::path temporary = link.string() + ".tmp";
  ::unlink(temporary.c_str());
  if (::symlink(target.c_str(), temporary.c_str()) != 0 ||
      ::rename(temporary.c_str(), link.c_str()) != 0)
    throw DiskError(fmt::format("{}: cannot set the link: {}", link.string(), reason()));
  sync_directory(parent_of(link));
}

OutputFile::OutputFile(const fs::path& path) : path_(path.string()) {
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ < 0) throw DiskError(fmt::format("{}: cannot create: {}", path_, reason()));
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
}

void OutputFile::write(const void* data, uint64_t bytes) { write_all(fd_, data, bytes, path_); }

void OutputFile::close() {
  sync_fd(fd_, path_);
  const int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0) throw DiskError(fmt::format("{}: cannot close: {}", path_, reason()));
}

AppendFile::AppendFile(const fs::path& path, uint64_t length)
    : path_(path.string()), length_(length) {
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) throw DiskError(fmt::format("{}: cannot open for writing: {}", path_, reason()));
  struct stat info {};
  std::string problem;
  const bool known = ::fstat(fd_, &info) == 0;
  if (known && static_cast<uint64_t>(info.st_size) < length) {
    ::close(fd_);
    throw DataError(
        fmt::format("{}: has {} bytes, the checkpoint remembers {}: the file was changed", path_,
                    info.st_size, length));
  }
  if (!known || ::ftruncate(fd_, static_cast<off_t>(length)) != 0) problem = reason();
  if (!problem.empty()) {
    ::close(fd_);
    throw DiskError(fmt::format("{}: cannot cut back: {}", path_, problem));
  }
  // A file that was just made must still be there after a power cut.
  try {
    if (length == 0) sync_directory(parent_of(path));
  } catch (const DiskError&) {
    ::close(fd_);
    throw;
  }
}

AppendFile::~AppendFile() {
  if (fd_ >= 0) ::close(fd_);
}

void AppendFile::append(std::string_view lines) {
  try {
    write_all(fd_, lines.data(), lines.size(), path_);
  } catch (const DiskError&) {
    // No half line may stay; should even this fail, the next opening cuts it off.
    [[maybe_unused]] const int failed = ::ftruncate(fd_, static_cast<off_t>(length_));
    throw;
  }
  length_ += lines.size();
}

uint64_t AppendFile::sync() {
  sync_fd(fd_, path_);
  return length_;
}

FileLock::FileLock(const fs::path& path) {
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) throw DiskError(fmt::format("{}: cannot create: {}", path.string(), reason()));
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd_);
    throw ConfigError(fmt::format("{}: another pgtrain process is using this run directory",
                                  path.parent_path().string()));
  }
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace pgtrain
