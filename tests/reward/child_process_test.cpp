#include "reward/child_process.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <thread>

#include "children.h"
#include "core/error.h"
#include "support/log_capture.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::contains;
using test::message_of;
using test::shell;
using Read = ChildProcess::Read;

ChildProcess::Clock::time_point soon() {
  return ChildProcess::Clock::now() + std::chrono::minutes(1);
}

std::string next_line(ChildProcess& child) {
  std::string line;
  return child.read_line(line, soon()) == Read::kLine ? line : "(no line)";
}

Read next_event(ChildProcess& child) {
  std::string line;
  return child.read_line(line, soon());
}

std::string start_error(const std::vector<std::string>& command) {
  return message_of<ConfigError>([&] { const ChildProcess child(command); });
}

TEST_CASE("child: what is sent comes back line by line", "[reward]") {
  ChildProcess child({"cat"});
  child.send("one\ntw");
  child.send("o\n\nthree\n");
  CHECK(next_line(child) == "one");
  CHECK(next_line(child) == "two");
  CHECK(next_line(child).empty());
  CHECK(next_line(child) == "three");
  child.finish();
  CHECK(child.is_reaped());
  CHECK(child.ending() == "exited with status 0");
}

TEST_CASE("child: arguments reach it as they are, without a shell", "[reward]") {
  ChildProcess child({"printf", "%s\\n", "$HOME; a  b", ""});
  CHECK(next_line(child) == "$HOME; a  b");
}

TEST_CASE("child: much in both directions at once does not block", "[reward]") {
  ChildProcess child({"cat"});
  const std::string line(1000, 'x');
  std::string lines;
  for (int i = 0; i < 4000; ++i) lines += line + "\n";
  child.send(lines);
  int equal = 0;
  for (int i = 0; i < 4000; ++i) equal += next_line(child) == line ? 1 : 0;
  CHECK(equal == 4000);
}

TEST_CASE("child: no line by the deadline is a time-out, and a later one is still read",
          "[reward]") {
  ChildProcess child({"cat"});
  std::string line;
  CHECK(child.read_line(line, ChildProcess::Clock::now()) == Read::kTimeout);
  child.send("late\n");
  CHECK(next_line(child) == "late");
}

TEST_CASE("child: its end shows in what is read, with the reason", "[reward]") {
  ChildProcess exits(shell("echo last; printf unfinished; exit 3"));
  CHECK(next_line(exits) == "last");
  CHECK(next_event(exits) == Read::kEnd);
  exits.finish();
  CHECK(exits.ending() == "exited with status 3");

  ChildProcess killed(shell("kill -SEGV $$"));
  CHECK(next_event(killed) == Read::kEnd);
  killed.finish();
  CHECK(killed.ending() == "was killed by signal 11 (Segmentation fault)");
}

TEST_CASE("child: writing to one that has ended does no harm", "[reward]") {
  std::signal(SIGPIPE, SIG_DFL);
  ChildProcess child({"true"});
  child.send(std::string(1 << 20, 'x'));
  CHECK(next_event(child) == Read::kEnd);
  child.send("more\n");
  CHECK(next_event(child) == Read::kEnd);
  sigset_t pending;
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGPIPE) == 0);
}

TEST_CASE("child: one that closes its output and stays is terminated", "[reward]") {
  ChildProcess child(shell("exec >&-; exec sleep 1000"));
  CHECK(next_event(child) == Read::kEnd);
  child.finish();
  CHECK(child.is_reaped());
  CHECK(child.ending().empty());
}

TEST_CASE("child: one that ignores SIGTERM is killed, and so is its family", "[reward]") {
  ChildProcess child(shell("trap '' TERM; sleep 1000 & echo $!; echo $$; wait; wait"));
  const std::string grandchild = next_line(child);
  const std::string itself = next_line(child);
  CHECK_FALSE(test::is_dead(grandchild));
  child.terminate();
  CHECK(test::dies(grandchild));
  CHECK(test::is_dead(itself));
  child.finish();
  CHECK(child.ending().empty());
}

TEST_CASE("child: its end is noticed although another process holds its output", "[reward]") {
  ChildProcess child(shell("sleep 1000 & echo $!; exit 4"));
  const std::string grandchild = next_line(child);
  CHECK(next_event(child) == Read::kEnd);
  child.finish();
  CHECK(child.ending() == "exited with status 4");
  CHECK(test::dies(grandchild));
}

TEST_CASE("child: stderr goes to the log, and its end is there after the child's", "[reward]") {
  const test::LogCapture log;
  ChildProcess child(
      shell("echo Traceback >&2; echo line; printf 'ValueError: \\033' >&2; exit 1"));
  CHECK(next_line(child) == "line");
  child.finish();
  CHECK(contains(log.text(), "info: reward command: Traceback\n"));
  REQUIRE(child.last_error_lines().size() == 2);
  CHECK(child.last_error_lines()[1] == "ValueError: \\x1b");
}

TEST_CASE("child: a flood on stderr neither blocks it nor puts the deadline off", "[reward]") {
  const test::LogCapture log;
  ChildProcess child(
      shell("head -c 4000000 /dev/zero >&2; yes no | head -n 300000 >&2; echo done"));
  CHECK(next_line(child) == "done");
  CHECK(log.text().size() < 100000);
  ChildProcess endless(shell("yes no >&2"));
  std::string line;
  CHECK(endless.read_line(line, ChildProcess::Clock::now() + std::chrono::milliseconds(50)) ==
        Read::kTimeout);
  endless.terminate();
}

TEST_CASE("child: a line without end is given up at the limit", "[reward]") {
  ChildProcess child(shell("exec cat /dev/zero"));
  CHECK(next_event(child) == Read::kTooLong);
  child.terminate();
  ChildProcess at_limit(shell("head -c 1048576 /dev/zero; echo; head -c 1048577 /dev/zero; echo"));
  CHECK(next_line(at_limit).size() == ChildProcess::kMaxLineBytes);
  CHECK(next_event(at_limit) == Read::kTooLong);
}

TEST_CASE("child: a program that cannot be started is a configuration error", "[reward]") {
  const test::TempDir directory;
  test::write_file(directory / "plain", "#!/bin/sh\n");
  test::write_file(directory / "no_interpreter", "#!/no/such/program\n");
  ::chmod((directory / "no_interpreter").c_str(), 0700);
  CHECK(contains(start_error({"no-such-program-here"}),
                 "cannot start \"no-such-program-here\": there is no such program in PATH"));
  CHECK(contains(start_error({directory / "missing"}), "there is no such file"));
  CHECK(contains(start_error({directory / "no_interpreter"}), "its first line (#!) names"));
  CHECK(contains(start_error({directory / "plain"}), "not executable"));
  CHECK(contains(start_error({directory.path().string()}), "not executable"));
  CHECK(contains(start_error({directory / "plain/x"}), "Not a directory"));
  CHECK(test::has_no_child());
}

TEST_CASE("child: it gets its own process group and no signal settings or files of ours",
          "[reward]") {
  std::signal(SIGPIPE, SIG_IGN);
  const int file = ::open("/dev/null", O_RDONLY);  // NOLINT(android-cloexec-open)
  const std::string link = "/proc/$$/fd/" + std::to_string(file);
  {
    ChildProcess child(
        shell("set -- $(cat /proc/$$/stat); echo $1 $5;"
              "for name in SigBlk SigIgn; do sed -n s/$name:.//p /proc/self/status; done;"
              "[ -e " +
              link + " ] && echo leaked || echo closed"));
    const std::string ids = next_line(child);
    CHECK(ids.substr(0, ids.find(' ')) == ids.substr(ids.find(' ') + 1));
    CHECK(std::stoull(next_line(child), nullptr, 16) == 0);
    CHECK((std::stoull(next_line(child), nullptr, 16) >> (SIGPIPE - 1) & 1) == 0);
    CHECK(next_line(child) == "closed");
  }
  ::close(file);
  std::signal(SIGPIPE, SIG_DFL);
}

TEST_CASE("child: it outlives the thread that started it", "[reward]") {
  std::optional<ChildProcess> child;
  std::thread([&] { child.emplace(std::vector<std::string>{"cat"}); }).join();
  child->send("still here\n");
  CHECK(next_line(*child) == "still here");
}

TEST_CASE("child: it dies with pgtrain, even when that is killed", "[reward]") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    ChildProcess child(shell("echo $$; exec sleep 1000"));
    const std::string pid = next_line(child);
    [[maybe_unused]] const ssize_t told = ::write(ends[1], pid.data(), pid.size());
    ::kill(::getpid(), SIGKILL);
  }
  ::close(ends[1]);
  ::waitpid(parent, nullptr, 0);
  char pid[32] = {};
  REQUIRE(::read(ends[0], pid, sizeof pid - 1) > 0);
  ::close(ends[0]);
  CHECK(test::dies(pid));
}

TEST_CASE("child: pgtrain's closed streams are not mixed up with the child's", "[reward]") {
  const pid_t parent = ::fork();
  if (parent == 0) {
    for (const int stream : {0, 1, 2}) ::close(stream);
    ChildProcess child({"cat"});
    child.send("through\n");
    ::_exit(next_line(child) == "through" ? 0 : 1);
  }
  int status = -1;
  ::waitpid(parent, &status, 0);
  CHECK(status == 0);
}

TEST_CASE("child: nothing is left of any of them", "[reward]") {
  const int64_t files = test::open_files();
  for (int i = 0; i < 5; ++i) {
    ChildProcess child({"cat"});
    child.send("x\n");
    CHECK(next_line(child) == "x");
    CHECK(start_error({"/no/such/program"}) != "");
  }
  CHECK(test::open_files() == files);
  CHECK(test::has_no_child());
}

}  // namespace
}  // namespace pgtrain
