// Files that survive a kill: whole-file reads with a size limit, atomic durable writes, append-only
// line files that can be cut back, and the lock of a run directory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace pgtrain {

// The whole file as bytes. Throws DataError: missing, a folder, unreadable, or larger than
// max_bytes.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes = uint64_t{1} << 30);

// Flushes a folder's entries to the disk. Throws DiskError.
void sync_directory(const std::filesystem::path& directory);

// Creates the folder and its parents. Throws DiskError when that fails or a file is in the way.
void make_directories(const std::filesystem::path& directory);

// Writes path + ".tmp", fsyncs it, renames it over path and fsyncs the folder: at every moment path
// is either the old or the new file, whole. Throws DiskError and leaves the old file as it was.
void write_file_atomic(const std::filesystem::path& path, std::string_view bytes);

// Points the symbolic link `link` to `target` (a name beside it) in one atomic step. Throws
// DiskError.
void replace_link(const std::filesystem::path& target, const std::filesystem::path& link);

// A file written once from the start and made durable by close(). Throws DiskError from every call.
class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  void write(const void* data, uint64_t bytes);
  // Flushes to the disk and closes; the destructor only closes.
  void close();

 private:
  std::string path_;
  int fd_ = -1;
};

// A file that only grows by whole lines. Opening cuts it to `length` bytes (what a checkpoint
// remembers), so a resumed run never doubles a line. Throws DataError when it is shorter than that,
// DiskError else.
class AppendFile {
 public:
  AppendFile(const std::filesystem::path& path, uint64_t length);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  // Appends the bytes of `lines` with one write call where the system allows; when that fails,
  // nothing of them stays.
  void append(std::string_view lines);
  // Flushes to the disk and returns the length in bytes.
  uint64_t sync();

 private:
  std::string path_;
  int fd_ = -1;
  uint64_t length_ = 0;
};

// Holds an exclusive lock on a file for its lifetime; the system drops it when the process dies.
class FileLock {
 public:
  // Throws ConfigError when another process holds the lock, DiskError when the file cannot be made.
  explicit FileLock(const std::filesystem::path& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace pgtrain
