#include "core/files.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::message_of;
using test::TempDir;

// While it lives no file can grow beyond `bytes`: writing more fails as on a full disk (EFBIG).
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old_limit_);
    const struct rlimit small = {bytes, old_limit_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*old_handler_)(int) = nullptr;
  struct rlimit old_limit_ {};
};

TEST_CASE("read_file gives all bytes, up to the limit", "[core]") {
  const TempDir dir;
  const std::string bytes("a\0\r\n\xff", 5);
  test::write_file(dir / "f", bytes);
  CHECK(read_file(dir / "f") == bytes);
  CHECK(read_file(dir / "f", 5) == bytes);
  CHECK(contains(message_of<DataError>([&] { read_file(dir / "f", 4); }), "limit of 4 bytes"));
  test::write_file(dir / "empty", "");
  CHECK(read_file(dir / "empty", 0) == "");
  const std::string large(200'001, 'x');
  test::write_file(dir / "large", large);
  CHECK(read_file(dir / "large") == large);
  // Files of the proc file system say they have no bytes.
  CHECK(!read_file("/proc/self/status").empty());
  CHECK(contains(message_of<DataError>([&] { read_file("/dev/zero", 1000); }), "limit of 1000"));
}

TEST_CASE("read_file names what cannot be read", "[core]") {
  const TempDir dir;
  CHECK(contains(message_of<DataError>([&] { read_file(dir / "none"); }),
                 "none: cannot open: No such file"));
  CHECK(contains(message_of<DataError>([&] { read_file(dir.path()); }), "is a folder"));
}

TEST_CASE("create_directories makes parents and refuses a file in the way", "[core]") {
  const TempDir dir;
  make_directories(dir.path() / "a/b/c");
  make_directories(dir.path() / "a/b/c");
  CHECK(fs::is_directory(dir / "a/b/c"));
  test::write_file(dir / "file", "");
  CHECK_THROWS_AS(make_directories(dir / "file"), DiskError);
  CHECK_THROWS_AS(make_directories(dir / "file/below"), DiskError);
}

TEST_CASE("sync_directory wants a folder", "[core]") {
  const TempDir dir;
  CHECK_NOTHROW(sync_directory(dir.path()));
  CHECK_THROWS_AS(sync_directory(dir / "none"), DiskError);
  test::write_file(dir / "file", "");
  CHECK_THROWS_AS(sync_directory(dir / "file"), DiskError);
}

TEST_CASE("write_file_atomic replaces the whole file", "[core]") {
  const TempDir dir;
  write_file_atomic(dir / "f", "first, longer");
  write_file_atomic(dir / "f", "second");
  CHECK(test::read_file(dir / "f") == "second");
  CHECK_FALSE(fs::exists(dir / "f.tmp"));
}

TEST_CASE("write_file_atomic takes a name without a folder", "[core]") {
  const TempDir dir;
  const fs::path before = fs::current_path();
  fs::current_path(dir.path());
  CHECK_NOTHROW(write_file_atomic("f", "x"));
  CHECK_NOTHROW(replace_link("f", "link"));
  fs::current_path(before);
  CHECK(test::read_file(dir / "link") == "x");
}

TEST_CASE("write_file_atomic leaves the old file when the disk takes no more", "[core]") {
  const TempDir dir;
  write_file_atomic(dir / "f", "old");
  std::string message;
  {
    const FileSizeLimit limit(10);
    message = message_of<DiskError>([&] { write_file_atomic(dir / "f", std::string(11, 'x')); });
  }
  CHECK(contains(message, "f.tmp: cannot write: File too large"));
  CHECK(test::read_file(dir / "f") == "old");
  CHECK_FALSE(fs::exists(dir / "f.tmp"));
  CHECK_THROWS_AS(write_file_atomic(dir / "none/f", "x"), DiskError);
  fs::create_directory(dir / "folder");
  CHECK_THROWS_AS(write_file_atomic(dir / "folder", "x"), DiskError);
  CHECK_FALSE(fs::exists(dir / "folder.tmp"));
}

TEST_CASE("replace_link makes and moves a link, also past a left-over one", "[core]") {
  const TempDir dir;
  replace_link("one", dir / "link");
  CHECK(fs::read_symlink(dir / "link") == "one");
  fs::create_symlink("stale", dir / "link.tmp");
  replace_link("two", dir / "link");
  CHECK(fs::read_symlink(dir / "link") == "two");
  CHECK_THROWS_AS(replace_link("x", dir / "none/link"), DiskError);
  fs::create_directory(dir / "folder");
  CHECK_THROWS_AS(replace_link("x", dir / "folder"), DiskError);
}

TEST_CASE("an output file starts anew and reports a full device", "[core]") {
  const TempDir dir;
  test::write_file(dir / "f", "something longer");
  OutputFile file(dir / "f");
  file.write("ab", 2);
  file.write("", 0);
  file.write("c", 1);
  file.close();
  CHECK(test::read_file(dir / "f") == "abc");
  CHECK_THROWS_AS(OutputFile(dir.path()), DiskError);
  OutputFile full("/dev/full");
  CHECK(contains(message_of<DiskError>([&] { full.write("x", 1); }),
                 "/dev/full: cannot write: No space left"));
}

TEST_CASE("an append file is cut to the remembered length and goes on from there", "[core]") {
  const TempDir dir;
  {
    AppendFile file(dir / "f", 0);
    file.append("one\n");
    CHECK(file.sync() == 4);
    file.append("two\n");
    file.append("");
    file.append("three\n");
    CHECK(file.sync() == 14);
  }
  AppendFile file(dir / "f", 8);
  CHECK(test::read_file(dir / "f") == "one\ntwo\n");
  file.append("drei\n");
  CHECK(file.sync() == 13);
  CHECK(test::read_file(dir / "f") == "one\ntwo\ndrei\n");
}

TEST_CASE("an append file that is shorter than remembered was changed", "[core]") {
  const TempDir dir;
  test::write_file(dir / "f", "one\n");
  const auto message = message_of<DataError>([&] { AppendFile(dir / "f", 5); });
  CHECK(contains(message, "has 4 bytes, the checkpoint remembers 5"));
  CHECK(test::read_file(dir / "f") == "one\n");
  CHECK_THROWS_AS(AppendFile(dir / "new", 1), DataError);
  CHECK_THROWS_AS(AppendFile(dir / "none/f", 0), DiskError);
}

TEST_CASE("a failed append leaves no half line and can be repeated", "[core]") {
  const TempDir dir;
  AppendFile file(dir / "f", 0);
  file.append("one\n");
  {
    const FileSizeLimit limit(6);
    CHECK_THROWS_AS(file.append("second\n"), DiskError);
  }
  CHECK(test::read_file(dir / "f") == "one\n");
  file.append("second\n");
  CHECK(file.sync() == 11);
  CHECK(test::read_file(dir / "f") == "one\nsecond\n");
}

TEST_CASE("a lock is exclusive for as long as it lives", "[core]") {
  const TempDir dir;
  {
    const FileLock lock(dir / "lock");
    const auto message = message_of<ConfigError>([&] { FileLock(dir / "lock"); });
    CHECK(contains(message, dir.path().string() + ": another pgtrain process"));
  }
  CHECK_NOTHROW(FileLock(dir / "lock"));
  CHECK_THROWS_AS(FileLock(dir / "none/lock"), DiskError);
}

TEST_CASE("the lock of a killed process is free", "[core]") {
  const TempDir dir;
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const FileLock lock(dir / "lock");
    static_cast<void>(!write(ready[1], "x", 1));
    while (true) pause();
  }
  char byte = 0;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  CHECK_THROWS_AS(FileLock(dir / "lock"), ConfigError);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  CHECK_NOTHROW(FileLock(dir / "lock"));
  close(ready[0]);
  close(ready[1]);
}

}  // namespace
}  // namespace pgtrain
