// A file's bytes, memory-mapped for reading, that cannot kill the process.
//
// Touching a page of a map whose file was cut short, or that the disk cannot deliver, raises
// SIGBUS. So nobody gets a pointer into the map: bytes are copied out under a guard that turns the
// signal into an error, and the file's length is looked at after each copy (the rest of the last
// page of a file that was cut reads as zeros, without a signal).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace pgtrain {

class FileBytes {
 public:
  // Maps a plain file. Throws DataError: missing, unreadable, a folder, a pipe, a device.
  static FileBytes open(const std::filesystem::path& path);
  // The same interface over bytes in memory (tests, fuzzing); `name` stands for the path in
  // messages.
  static FileBytes from_memory(std::string bytes, const std::string& name);

  FileBytes(FileBytes&& other) noexcept;
  FileBytes& operator=(FileBytes&&) = delete;
  ~FileBytes();

  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }

  // Copies bytes [offset, offset + bytes), which must lie inside the size. Throws DataError that
  // begins with `where` when the file became shorter since open() or cannot be read. Safe to call
  // from several threads.
  void copy(void* to, uint64_t offset, uint64_t bytes, const std::string& where) const;

 private:
  FileBytes() = default;
  std::string path_;
  std::string memory_;
  const char* data_ = nullptr;
  uint64_t size_ = 0;
  int fd_ = -1;  // -1: in memory
};

}  // namespace pgtrain
