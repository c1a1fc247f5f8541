#include "checkpoint/checkpoint_store.h"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <sstream>

#include "checkpoint/manifest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "support/support.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::message_of;
using test::TempDir;
using Names = std::vector<std::string>;

// Catches what is logged while it lives.
class LogCapture {
 public:
  LogCapture() : old_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_st>(text_);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
  }
  ~LogCapture() { spdlog::set_default_logger(old_); }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
  std::string text() const { return text_.str(); }

 private:
  std::shared_ptr<spdlog::logger> old_;
  std::ostringstream text_;
};

// While it lives temporary folders lie in memory, where fsync is fast, if that can be had.
class InMemory {
 public:
  InMemory() {
    if (const char* value = std::getenv("TMPDIR")) old_ = value;
    if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 1);
  }
  ~InMemory() {
    if (old_) {
      setenv("TMPDIR", old_->c_str(), 1);
    } else {
      unsetenv("TMPDIR");
    }
  }
  InMemory(const InMemory&) = delete;
  InMemory& operator=(const InMemory&) = delete;

 private:
  std::optional<std::string> old_;
};

// A writer of two small files that hold `content`.
std::function<void(const fs::path&)> files(const std::string& content) {
  return [content](const fs::path& folder) {
    test::write_file((folder / "model.bin").string(), content);
    test::write_file((folder / "state.json").string(), "{}");
  };
}

// Every name in a folder, sorted.
Names names_in(const fs::path& folder) {
  Names names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string model_of(const fs::path& checkpoint) {
  return test::read_file((checkpoint / "model.bin").string());
}

void damage(const fs::path& file) {
  std::string bytes = test::read_file(file.string());
  bytes.at(bytes.size() / 2) ^= 1;
  test::write_file(file.string(), bytes);
}

bool damaged(const fs::path& checkpoint) {
  try {
    CheckpointStore::verify(checkpoint);
    return false;
  } catch (const DataError&) {
    return true;
  }
}

TEST_CASE("names follow phase and step", "[checkpoint]") {
  CHECK(checkpoint_name("train", 120) == "step-000120");
  CHECK(checkpoint_name("warmup", 0) == "warmup-000000");
  CHECK(checkpoint_name("train", 12345678) == "step-12345678");
  CHECK_THROWS_AS(checkpoint_name("eval", 1), InternalError);
  CHECK_THROWS_AS(checkpoint_name("train", -1), InternalError);
}

TEST_CASE("save leaves exactly the written files and a manifest", "[checkpoint]") {
  const TempDir dir;
  CheckpointStore store(dir.path() / "runs/a/checkpoints", "9.8.7");
  fs::path seen;
  const fs::path saved = store.save("step-000120", [&](const fs::path& folder) {
    seen = folder;
    CHECK(fs::is_empty(folder));
    files("weights")(folder);
  });
  CHECK(saved == store.directory() / "step-000120");
  CHECK(seen.filename() == "step-000120.tmp-" + std::to_string(getpid()));
  CHECK(names_in(store.directory()) == Names{"step-000120"});
  CHECK(names_in(saved) == Names{"manifest.json", "model.bin", "state.json"});
  CHECK(model_of(saved) == "weights");
  CHECK_NOTHROW(CheckpointStore::verify(saved));
}

TEST_CASE("the manifest has the documented text", "[checkpoint]") {
  const TempDir dir;
  CheckpointStore store(dir.path(), "9.8.7");
  const fs::path saved = store.save("step-000001", files("abc"));
  // SHA-256 of "abc" is NIST's example; that of "{}" is what sha256sum prints.
  const std::string head =
      "{\n"
      "  \"schema\": 1,\n"
      "  \"pgtrain\": \"9.8.7\",\n"
      "  \"files\": {\n"
      "    \"model.bin\": {\"bytes\": 3, \"sha256\": "
      "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"},\n"
      "    \"state.json\": {\"bytes\": 2, \"sha256\": "
      "\"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"}\n"
      "  },\n"
      "  \"manifest_sha256\": \"";
  const std::string tail = "\"\n}\n";
  CHECK(test::read_file((saved / "manifest.json").string()) == head + sha256(head + tail) + tail);
}

TEST_CASE("the documented command checks a checkpoint without pgtrain", "[checkpoint]") {
  const TempDir dir;
  const fs::path saved = CheckpointStore(dir.path()).save("step-000001", files("abc"));
  const std::string sed =
      R"sed(sed -nE 's/^ *"(.*)": \{"bytes": [0-9]+, "sha256": "(.*)"\},?$/\2  \1/p' manifest.json)sed";
  const std::string command =
      "cd '" + saved.string() + "' && " + sed + " | sha256sum -c >'" + (dir / "out") + "' 2>&1";
  CHECK(std::system(command.c_str()) == 0);
  CHECK(test::read_file(dir / "out") == "model.bin: OK\nstate.json: OK\n");
  damage(saved / "model.bin");
  CHECK(std::system(command.c_str()) != 0);
}

TEST_CASE("a checkpoint of the same name is replaced", "[checkpoint]") {
  const TempDir dir;
  CheckpointStore store(dir.path());
  store.save("step-000001", files("old"));
  test::write_file(dir / "step-000001/left-over", "x");
  const fs::path saved = store.save("step-000001", files("new"));
  CHECK(model_of(saved) == "new");
  CHECK_NOTHROW(CheckpointStore::verify(saved));
  CHECK(names_in(dir.path()) == Names{"step-000001"});
}

TEST_CASE("a writer that throws leaves everything as it was", "[checkpoint]") {
  const TempDir dir;
  CheckpointStore store(dir.path());
  store.save("step-000001", files("old"));
  const auto writes_then = [](auto exception) {
    return [exception](const fs::path& folder) {
      files("half")(folder);
      throw exception;
    };
  };
  CHECK_THROWS_AS(store.save("step-000001", writes_then(DiskError("full"))), DiskError);
  CHECK_THROWS_AS(store.save("step-000002", writes_then(std::runtime_error("x"))),
                  std::runtime_error);
  const auto message = message_of<DiskError>([&] {
    store.save("step-000002",
               [](const fs::path& folder) { fs::copy_file(folder / "none", folder / "a"); });
  });
  CHECK(contains(message, "none"));
  CHECK(names_in(dir.path()) == Names{"step-000001"});
  CHECK(model_of(dir / "step-000001") == "old");
  CHECK_NOTHROW(CheckpointStore::verify(dir / "step-000001"));
}

TEST_CASE("only plain files belong in a checkpoint", "[checkpoint]") {
  const TempDir dir;
  CheckpointStore store(dir.path());
  const auto refused = [&](const std::function<void(const fs::path&)>& write) {
    CHECK_THROWS_AS(store.save("step-000001", write), InternalError);
    CHECK(fs::is_empty(dir.path()));
  };
  refused([](const fs::path&) {});
  refused([](const fs::path& folder) { fs::create_directory(folder / "sub"); });
  refused([](const fs::path& folder) { fs::create_symlink("/etc/passwd", folder / "link"); });
  refused(
      [](const fs::path& folder) { test::write_file((folder / "manifest.json").string(), "{}"); });
  for (const char* name :
       {"", "latest", "step", "step-", "step-1", "step-0000001", "step-00000x", "other-000001",
        "../step-000001", "step-000001/", "step-000001.tmp-1", "step-999999999999999999999"})
    CHECK_THROWS_AS(store.save(name, files("x")), InternalError);
  CHECK(fs::is_empty(dir.path()));
}

// Every place where the disk can be full: the limit on the size of a file grows until saving works.
TEST_CASE("a disk that takes no more leaves the earlier checkpoint, wherever it happens",
          "[checkpoint]") {
  const InMemory in_memory;
  const TempDir dir;
  CheckpointStore store(dir.path());
  store.save("step-000001", files("old"));
  auto* const old_handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit old_limit {};
  getrlimit(RLIMIT_FSIZE, &old_limit);
  const auto write = [](const fs::path& folder) {
    for (const char* name : {"a", "b"}) {
      OutputFile file(folder / name);
      file.write("0123456789", 10);
      file.close();
    }
  };
  int failures = 0;
  for (rlim_t limit = 0; limit < 1000; limit += 5) {
    const struct rlimit small = {limit, old_limit.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const auto message = message_of<DiskError>([&] { store.save("step-000001", write); });
    setrlimit(RLIMIT_FSIZE, &old_limit);
    if (message.empty()) break;
    ++failures;
    CHECK(contains(message, "File too large"));
    CHECK(names_in(dir.path()) == Names{"step-000001"});
    CHECK(model_of(dir / "step-000001") == "old");
  }
  std::signal(SIGXFSZ, old_handler);
  CHECK(failures > 10);  // within the files and, later, within the manifest
  CHECK(names_in(dir.path()) == Names{"step-000001"});
  CHECK(names_in(dir / "step-000001") == Names{"a", "b", "manifest.json"});
}

TEST_CASE("a full file system leaves the earlier checkpoint", "[checkpoint]") {
  const TempDir dir;
  if (mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
    WARN("no tmpfs can be mounted here: not tested");
    return;
  }
  {
    CheckpointStore store(dir.path());
    store.save("step-000001", files("old"));
    const auto message = message_of<DiskError>([&] {
      store.save("step-000002", [](const fs::path& folder) {
        write_file_atomic(folder / "model.bin", std::string(100'000, 'x'));
      });
    });
    CHECK(contains(message, "No space left"));
    CHECK(names_in(dir.path()) == Names{"step-000001"});
    CHECK_NOTHROW(CheckpointStore::verify(dir / "step-000001"));
    CHECK_NOTHROW(store.save("step-000002", files("fits")));
  }
  CHECK(umount(dir.path().c_str()) == 0);
}

TEST_CASE("a folder that cannot be written to is a disk error", "[checkpoint]") {
  const TempDir dir;
  test::write_file(dir / "file", "x");
  CHECK_THROWS_AS(CheckpointStore(dir.path() / "file").save("step-000001", files("x")), DiskError);
  CHECK_THROWS_AS(CheckpointStore(dir.path() / "file/below").save("step-000001", files("x")),
                  DiskError);
  // /proc takes no folders, not even from root.
  CHECK_THROWS_AS(CheckpointStore("/proc/self").save("step-000001", files("x")), DiskError);
  if (getuid() == 0) return;
  fs::create_directory(dir / "read-only");
  fs::permissions(dir / "read-only", fs::perms::owner_read | fs::perms::owner_exec);
  CHECK_THROWS_AS(CheckpointStore(dir.path() / "read-only").save("step-000001", files("x")),
                  DiskError);
  fs::permissions(dir / "read-only", fs::perms::owner_all);
}

TEST_CASE("verify lists all that is wrong", "[checkpoint]") {
  const TempDir dir;
  CheckpointStore store(dir.path());
  const fs::path saved = store.save("step-000001", [](const fs::path& folder) {
    for (const char* name : {"changed", "gone", "grown", "linked"})
      test::write_file((folder / name).string(), "content");
  });
  damage(saved / "changed");
  fs::remove(saved / "gone");
  test::write_file((saved / "grown").string(), "content!");
  fs::rename(saved / "linked", dir / "elsewhere");
  fs::create_symlink("../elsewhere", saved / "linked");
  test::write_file((saved / "stray").string(), "");
  const auto message = message_of<DataError>([&] { CheckpointStore::verify(saved); });
  CHECK(contains(message, saved.string() + ": is damaged:"));
  CHECK(contains(message, "\n  changed was changed: its SHA-256"));
  CHECK(contains(message, "\n  gone is missing"));
  CHECK(contains(message, "\n  grown has 8 bytes, written were 7"));
  CHECK(contains(message, "\n  linked is not a plain file"));
  CHECK(contains(message, "\n  stray is not in the manifest"));
}

TEST_CASE("verify refuses what is no checkpoint", "[checkpoint]") {
  const TempDir dir;
  CHECK(contains(message_of<DataError>([&] { CheckpointStore::verify(dir / "none"); }),
                 "no such checkpoint"));
  fs::create_directory(dir / "empty");
  CHECK(contains(message_of<DataError>([&] { CheckpointStore::verify(dir / "empty"); }),
                 "not complete"));
  fs::create_directories(dir / "folder/manifest.json");
  CHECK(contains(message_of<DataError>([&] { CheckpointStore::verify(dir / "folder"); }),
                 "not complete"));
}

TEST_CASE("a manifest that names files elsewhere or is forged is refused", "[checkpoint]") {
  const TempDir dir;
  const std::string digits(64, '0');
  const auto problem = [&](const std::string& name) {
    Manifest manifest;
    manifest.files[name] = {1, digits};
    return message_of<DataError>([&] { parse_manifest(format_manifest(manifest), "m"); });
  };
  CHECK(problem("plain name.txt") == "");
  for (const char* name : {"", ".", "..", "../x", "/etc/passwd", "a/b", "manifest.json"})
    CHECK(contains(problem(name), "is not the name of a file in the checkpoint"));
  CHECK(problem(std::string("a\0b", 3)) != "");
  const auto parsed = [](const std::string& text) {
    return message_of<DataError>([&] { parse_manifest(text, "m"); });
  };
  CHECK(contains(parsed("{}"), "m: \"schema\" is missing"));
  CHECK(contains(parsed("[]"), "m: \"schema\" is missing"));
  CHECK(contains(parsed(R"({"schema": 2})"), "\"schema\" is 2, this pgtrain reads 1"));
  CHECK(contains(parsed(R"({"schema": 1})"), "\"pgtrain\" is missing"));
  CHECK(contains(parsed(R"({"schema": 1, "pgtrain": 1})"), "must be a text"));
  CHECK(contains(parsed(R"({"schema": 1, "pgtrain": "1"})"), "\"files\" is missing"));
  CHECK(contains(parsed(R"({"schema": 1, "pgtrain": "1", "files": {"a": 1}})"),
                 "\"bytes\" is missing"));
  CHECK(contains(parsed(R"({"schema": 1, "pgtrain": "1", "files": [1]})"), "\"bytes\" is missing"));
  CHECK(contains(parsed(R"({"schema": 1, "pgtrain": "1", "files": {}})"), "was changed"));
}

TEST_CASE("any changed byte or cut of any file of a checkpoint is found", "[checkpoint]") {
  const InMemory in_memory;
  const TempDir dir;
  CheckpointStore store(dir.path());
  const fs::path saved = store.save("step-000001", files("tiny"));
  for (const std::string& name : names_in(saved)) {
    const std::string path = (saved / name).string();
    const std::string bytes = test::read_file(path);
    for (size_t at = 0; at < bytes.size(); ++at) {
      INFO(name << " byte " << at);
      for (const int flip : {0x01, 0x20, 0x80}) {
        std::string changed = bytes;
        changed[at] = static_cast<char>(changed[at] ^ flip);
        test::write_file(path, changed);
        CHECK(damaged(saved));
      }
      test::write_file(path, bytes.substr(0, at));
      CHECK(damaged(saved));
    }
    test::write_file(path, bytes + "\n");
    CHECK(damaged(saved));
    test::write_file(path, bytes);
    CHECK_FALSE(damaged(saved));
  }
}

TEST_CASE("list is ordered by age and holds checkpoints only", "[checkpoint]") {
  const TempDir dir;
  CheckpointStore store(dir.path() / "checkpoints");
  CHECK(store.list().empty());
  for (const char* name : {"step-1000000", "step-000020", "warmup-000100", "step-000000",
                           "warmup-000020", "step-999999"})
    store.save(name, files("x"));
  fs::create_directory(store.directory() / "step-000030.tmp-7");
  fs::create_directory(store.directory() / ".trash-step-000010-7");
  fs::create_directory(store.directory() / "step-0000001");
  fs::create_directory(store.directory() / "notes");
  fs::create_directory_symlink("step-000020", store.directory() / "step-000040");
  test::write_file((store.directory() / "step-000050").string(), "");
  CHECK(store.list() == Names{"warmup-000020", "warmup-000100", "step-000000", "step-000020",
                              "step-999999", "step-1000000"});
}

TEST_CASE("links move in one step and only name checkpoints", "[checkpoint]") {
  const TempDir dir;
  CheckpointStore store(dir.path());
  store.save("step-000001", files("1"));
  store.save("step-000002", files("2"));
  CHECK(store.target("latest") == std::nullopt);
  store.point("latest", "step-000001");
  store.point("best", "step-000001");
  store.point("latest", "step-000002");
  CHECK(store.target("latest") == "step-000002");
  CHECK(store.target("best") == "step-000001");
  CHECK(fs::read_symlink(dir / "latest") == "step-000002");
  CHECK(model_of(dir / "latest") == "2");
  CHECK_THROWS_AS(store.point("latest", "step-000003"), InternalError);
  CHECK_THROWS_AS(store.point("newest", "step-000001"), InternalError);
  CHECK(store.target("latest") == "step-000002");
  fs::remove(dir / "best");
  fs::create_directory_symlink(dir.path() / "step-000001",
                               dir / "best");  // an absolute path is not a name
  CHECK(store.target("best") == std::nullopt);
  fs::remove(dir / "best");
  test::write_file(dir / "best", "step-000001");
  CHECK(store.target("best") == std::nullopt);
}

TEST_CASE("latest is nothing without checkpoints", "[checkpoint]") {
  const TempDir dir;
  const LogCapture log;
  CHECK(CheckpointStore(dir.path() / "none").latest() == std::nullopt);
  fs::create_directory(dir / "step-000001.tmp-7");
  CHECK(CheckpointStore(dir.path()).latest() == std::nullopt);
  CHECK(log.text().empty());
}

TEST_CASE("latest follows the link, also when a newer checkpoint is complete", "[checkpoint]") {
  const TempDir dir;
  CheckpointStore store(dir.path());
  for (const char* name : {"step-000001", "step-000002", "step-000003"})
    store.save(name, files(name));
  store.point("latest", "step-000002");
  const LogCapture log;
  CHECK(store.latest() == dir.path() / "step-000002");
  CHECK(log.text().empty());
  fs::remove(dir / "latest");
  CHECK(store.latest() == dir.path() / "step-000003");
  CHECK(contains(log.text(), "`latest` is missing"));
  fs::create_directory_symlink("step-000009", dir / "latest");
  CHECK(store.latest() == dir.path() / "step-000003");
}

TEST_CASE("latest falls back to the newest good checkpoint and says why", "[checkpoint]") {
  const TempDir dir;
  CheckpointStore store(dir.path());
  for (const char* name : {"warmup-000005", "step-000001", "step-000002", "step-000003"})
    store.save(name, files(name));
  store.point("latest", "step-000002");
  damage(dir / "step-000002/model.bin");
  {
    const LogCapture log;
    CHECK(store.latest() == dir.path() / "step-000003");
    CHECK(contains(log.text(), "step-000002: is damaged"));
    CHECK(contains(log.text(), "model.bin was changed"));
  }
  fs::remove(dir / "step-000003/manifest.json");
  {
    const LogCapture log;
    CHECK(store.latest() == dir.path() / "step-000001");
    CHECK(contains(log.text(), "step-000003/manifest.json: is missing"));
  }
  damage(dir / "step-000001/state.json");
  {
    const LogCapture log;
    CHECK(store.latest() == dir.path() / "warmup-000005");
  }
  damage(dir / "warmup-000005/state.json");
  const LogCapture log;
  CHECK(contains(message_of<DataError>([&] { store.latest(); }),
                 "none of the 4 checkpoints verifies"));
}

TEST_CASE("retain keeps the last, the linked and the protected ones", "[checkpoint]") {
  const TempDir dir;
  CheckpointStore store(dir.path());
  store.retain(1);
  for (int step = 1; step <= 7; ++step) store.save(checkpoint_name("train", step), files("x"));
  store.save("warmup-000009", files("x"));
  store.point("latest", "step-000007");
  store.point("best", "step-000002");
  store.retain(8);
  CHECK(store.list().size() == 8);
  store.retain(2, {"step-000004", "step-000099"});
  CHECK(names_in(dir.path()) ==
        Names{"best", "latest", "step-000002", "step-000004", "step-000006", "step-000007"});
  store.retain(1);
  CHECK(store.list() == Names{"step-000002", "step-000007"});
  CHECK_THROWS_AS(store.retain(0), InternalError);
}

TEST_CASE("retain never counts or deletes what is newer than the link", "[checkpoint]") {
  const TempDir dir;
  CheckpointStore store(dir.path());
  for (int step = 1; step <= 5; ++step) store.save(checkpoint_name("train", step), files("x"));
  store.point("latest", "step-000003");
  store.retain(2);
  CHECK(store.list() == Names{"step-000002", "step-000003", "step-000004", "step-000005"});
  fs::remove(dir / "latest");
  store.retain(2);
  CHECK(store.list() == Names{"step-000004", "step-000005"});
}

TEST_CASE("retain deletes nothing when the newest does not verify", "[checkpoint]") {
  const TempDir dir;
  CheckpointStore store(dir.path());
  for (int step = 1; step <= 3; ++step) store.save(checkpoint_name("train", step), files("x"));
  store.point("latest", "step-000003");
  damage(dir / "step-000003/model.bin");
  const auto message = message_of<DiskError>([&] { store.retain(1); });
  CHECK(contains(message, "no older one is deleted"));
  CHECK(contains(message, "model.bin was changed"));
  CHECK(store.list().size() == 3);
}

TEST_CASE("clean removes what a killed process left and nothing else", "[checkpoint]") {
  const TempDir dir;
  CheckpointStore store(dir.path());
  store.clean();
  CheckpointStore(dir.path() / "none").clean();
  store.save("step-000001", files("x"));
  store.point("latest", "step-000001");
  fs::create_directories(dir / "step-000002.tmp-4711");
  test::write_file(dir / "step-000002.tmp-4711/model.bin", "half");
  fs::create_directories(dir / ".trash-step-000000-4711/deep/er");
  fs::create_directory_symlink("step-000002", dir / "latest.tmp");
  fs::create_directory_symlink("step-000002", dir / "best.tmp");
  const Names kept = {"latest",      "mine.tmp",          "notes.tmp-1",
                      "step-000001", "step-000001.tmp-x", "step-3.tmp-1"};
  for (const char* name : {"mine.tmp", "notes.tmp-1", "step-000001.tmp-x", "step-3.tmp-1"})
    fs::create_directory(dir / name);
  store.clean();
  CHECK(names_in(dir.path()) == kept);
  CHECK(store.latest() == dir.path() / "step-000001");
}

// One step of training: what is there before is step 1 (and, half of the times, an old step 2).
void save_step_two(const fs::path& directory) {
  CheckpointStore store(directory);
  store.clean();
  store.save("step-000002", files("new"));
  store.point("latest", "step-000002");
  store.point("best", "step-000002");
  store.retain(1);
}

// Runs save_step_two in a child and kills it when it enters or leaves a system call for the nth
// time. True when it came to its end before. `possible` is set to false where processes cannot be
// traced.
bool killed_at_call(const fs::path& directory, int n, bool& possible) {
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(8);
    raise(SIGSTOP);
    try {
      save_step_two(directory);
    } catch (...) {
      _exit(9);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  possible = WIFSTOPPED(status);
  for (int i = 0; i < n && WIFSTOPPED(status); ++i) {
    ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    waitpid(child, &status, 0);
  }
  if (!WIFSTOPPED(status)) {
    CHECK((!possible || (WIFEXITED(status) && WEXITSTATUS(status) == 0)));
    return false;
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return true;
}

TEST_CASE("killed at any system call, old or new is whole and the next start finishes",
          "[checkpoint]") {
  const InMemory in_memory;
  const TempDir dir;
  for (const bool replace : {false, true}) {
    CheckpointStore old(dir.path() / (replace ? "b" : "a"));
    old.save("step-000001", files("one"));
    old.point("latest", "step-000001");
    old.point("best", "step-000001");
    if (replace) old.save("step-000002", files("old"));
    bool seen_old = false;
    bool seen_new = false;
    bool possible = true;
    bool killed = true;
    int n = 0;
    for (; killed; ++n) {
      const fs::path copy = dir.path() / "copy";
      fs::remove_all(copy);
      fs::copy(old.directory(), copy,
               fs::copy_options::recursive | fs::copy_options::copy_symlinks);
      killed = killed_at_call(copy, n, possible);
      if (!possible) {
        WARN("processes cannot be traced here: not tested");
        return;
      }
      INFO("stop " << n);
      const CheckpointStore store(copy);
      for (const std::string& name : store.list()) CHECK_FALSE(damaged(copy / name));
      const auto latest = store.latest();
      REQUIRE(latest);
      const std::string model = model_of(*latest);
      CHECK((latest->filename() == "step-000001" ? model == "one" : model == "new"));
      (latest->filename() == "step-000001" ? seen_old : seen_new) = true;
      CHECK(store.target("best"));
      CHECK_NOTHROW(save_step_two(copy));
      CHECK(names_in(copy) == Names{"best", "latest", "step-000002"});
      CHECK(model_of(copy / "latest") == "new");
    }
    CHECK(seen_old);
    CHECK(seen_new);
    CHECK(n > 50);
  }
}

// Saves step after step. Never returns.
[[noreturn]] void save_for_ever(const fs::path& directory, int first_step) {
  CheckpointStore store(directory);
  store.clean();
  for (int step = first_step;; ++step) {
    const std::string name = checkpoint_name("train", step);
    store.save(name, files(std::string(20'000, 'a') + std::to_string(step)));
    store.point("latest", name);
    if (step % 3 == 0) store.point("best", name);
    store.retain(2);
  }
}

TEST_CASE("killed at any time there is a good checkpoint, and the next start goes on",
          "[checkpoint]") {
  const InMemory in_memory;
  const TempDir dir;
  CheckpointStore store(dir.path());
  store.save("step-000000", files("start"));
  store.point("latest", "step-000000");
  const LogCapture log;
  int step = 0;
  for (int round = 0; round < 40; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      try {
        // Every other start redoes the last step, so that replacing is interrupted too.
        save_for_ever(dir.path(), step + round % 2);
      } catch (...) {
        _exit(9);
      }
    }
    usleep(static_cast<useconds_t>(2000 + round * 977 % 20'000));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    const auto latest = store.latest();
    REQUIRE(latest);
    for (const std::string& name : store.list()) CHECK_FALSE(damaged(dir.path() / name));
    const int now = std::stoi(latest->filename().string().substr(5));
    CHECK(now >= step);
    step = now;
  }
  if (step == 0) WARN("this disk was too slow for a single step");
  CHECK(log.text().empty());
  store.clean();
  for (const std::string& name : names_in(dir.path()))
    CHECK((name.find("tmp") == std::string::npos && name[0] != '.'));
}

}  // namespace
}  // namespace pgtrain
