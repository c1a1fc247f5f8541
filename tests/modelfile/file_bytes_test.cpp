#include "modelfile/file_bytes.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::message_of;
using test::TempDir;

std::string copy(const FileBytes& file, uint64_t offset, uint64_t bytes) {
  std::string to(bytes, '?');
  file.copy(to.data(), offset, bytes, "here");
  return to;
}

TEST_CASE("mapped bytes and bytes in memory are the same", "[modelfile]") {
  const TempDir dir;
  test::write_file(dir / "f", "0123456789");
  const FileBytes mapped = FileBytes::open(dir / "f");
  const FileBytes held = FileBytes::from_memory("0123456789", "held");
  for (const FileBytes* file : {&mapped, &held}) {
    CHECK(file->size() == 10);
    CHECK(copy(*file, 0, 10) == "0123456789");
    CHECK(copy(*file, 3, 4) == "3456");
    CHECK(copy(*file, 10, 0).empty());
    CHECK_THROWS_AS(copy(*file, 3, 8), InternalError);
    CHECK_THROWS_AS(copy(*file, 11, 0), InternalError);
    CHECK_THROWS_AS(file->copy(nullptr, 1, UINT64_MAX, "here"), InternalError);
  }
  CHECK(held.path() == "held");
}

TEST_CASE("an empty file, a folder, a pipe and a missing file", "[modelfile]") {
  const TempDir dir;
  test::write_file(dir / "empty", "");
  CHECK(FileBytes::open(dir / "empty").size() == 0);
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  for (const std::string& path : {dir / "pipe", dir.path().string(), std::string("/dev/zero")})
    CHECK(contains(message_of<DataError>([&] { FileBytes::open(path); }), "not a plain file"));
  CHECK(contains(message_of<DataError>([&] { FileBytes::open(dir / "none"); }), "cannot open"));
}

TEST_CASE("a mapped file that is cut short is an error, not a signal", "[modelfile]") {
  const TempDir dir;
  const std::string path = dir / "f";
  test::write_file(path, std::string(100'000, 'x'));
  const FileBytes file = FileBytes::open(path);
  CHECK(copy(file, 99'999, 1) == "x");
  // Within the last page nothing signals the loss; beyond it, the processor does.
  for (const uint64_t length : {99'990U, 50'000U, 10U, 0U}) {
    fs::resize_file(path, length);
    for (const uint64_t offset : {0U, 70'000U, 99'000U}) {
      const auto message = message_of<DataError>([&] { copy(file, offset, 1000); });
      CHECK(contains(message, "here: the file became shorter while in use"));
    }
  }
}

TEST_CASE("files that shrink while several threads read them", "[modelfile]") {
  const TempDir dir;
  const std::string path = dir / "f";
  constexpr uint64_t kSize = 4'000'000;
  test::write_file(path, std::string(kSize, 'x'));
  const FileBytes file = FileBytes::open(path);
  std::atomic<int> errors{0};
  std::atomic<int> wrong{0};
  const auto reader = [&] {
    for (int round = 0; round < 200; ++round) {
      try {
        const std::string read = copy(file, 0, kSize);
        if (read.find_first_not_of('x') != std::string::npos) ++wrong;
      } catch (const DataError&) {
        ++errors;
      }
    }
  };
  std::thread first(reader);
  std::thread second(reader);
  fs::resize_file(path, 5000);
  first.join();
  second.join();
  CHECK(errors > 0);
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace pgtrain
