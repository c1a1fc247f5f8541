#include "reward/command_scorer.h"

#include <limits>
#include <thread>

#include "children.h"
#include "core/error.h"
#include "support/log_capture.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::contains;
using test::message_of;
using test::python;
using test::shell;

CommandOptions options_of(std::vector<std::string> command) {
  CommandOptions options;
  options.command = std::move(command);
  options.restart_delay_seconds = 0;
  return options;
}

// A shell scorer: `answer REWARD` answers the request that `ask` has read.
std::vector<std::string> scorer(const std::string& script) {
  return shell(
      "ask() { read -r line || exit 0; id=${line#*:}; id=${id%%,*}; }\n"
      "answer() { printf '{\"id\":%s,\"reward\":%s}\\n' \"$id\" \"$1\"; }\n" +
      script);
}

const Record& record() {
  static const Record record = [] {
    Record r;
    r.prompt = "say";
    r.targets = {"a black cat"};
    r.fields = {{"prompt", "say"}, {"target", "a black cat"}};
    return r;
  }();
  return record;
}

std::vector<RewardInput> batch_of(const std::vector<std::string>& completions) {
  std::vector<RewardInput> batch;
  for (const std::string& completion : completions) batch.push_back({&record(), completion});
  return batch;
}

const std::vector<std::string> kTwo = {"first", "second"};

std::string complaint(CommandScorer& command) {
  return message_of<DataError>([&] { command.score(batch_of(kTwo)); });
}

// What is said about a command that breaks the protocol or does not mend.
std::string complaint(const std::vector<std::string>& words, int64_t max_restarts = 0,
                      double timeout_seconds = 60) {
  CommandOptions options = options_of(words);
  options.max_restarts = max_restarts;
  options.timeout_seconds = timeout_seconds;
  CommandScorer command(options);
  const std::string message = complaint(command);
  CHECK(test::has_no_child());
  return message;
}

// Each reward is the length of its completion.
const char* const kLengths = R"(
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"id": request["id"], "reward": len(request["completion"])}), flush=True)
)";

// The same for a batch at once, backwards.
const char* const kBackwards = R"(
import json, sys
batch = []
for line in sys.stdin:
    batch.append(json.loads(line))
    if batch[-1]["batch_end"]:
        for request in reversed(batch):
            print(json.dumps({"id": request["id"], "reward": len(request["completion"]),
                              "parts": {"n": len(batch)}}))
        sys.stdout.flush()
        batch = []
)";

TEST_CASE("command: rewards come in the order of the inputs, batch after batch", "[reward]") {
  CommandScorer command(options_of(python(kBackwards)));
  CHECK(command.score({}).empty());
  for (int round = 0; round < 3; ++round) {
    const std::vector<std::string> completions = {"a", "", "abc"};
    const auto answers = command.score(batch_of(completions));
    REQUIRE(answers.size() == 3);
    CHECK(answers[0].reward == 1.0);
    CHECK(answers[1].reward == 0.0);
    CHECK(answers[2].reward == 3.0);
    CHECK(answers[2].parts == std::map<std::string, double>{{"n", 3.0}});
  }
}

TEST_CASE("command: 5,000 long completions do not block, answered at once or at the end",
          "[reward]") {
  std::vector<std::string> completions;
  for (size_t i = 0; i < 5000; ++i) completions.emplace_back(300 + i % 700, 'x');
  for (const char* script : {kLengths, kBackwards}) {
    CommandScorer command(options_of(python(script)));
    const auto answers = command.score(batch_of(completions));
    REQUIRE(answers.size() == completions.size());
    int right = 0;
    for (size_t i = 0; i < answers.size(); ++i)
      right += answers[i].reward == static_cast<double>(completions[i].size()) ? 1 : 0;
    CHECK(right == 5000);
  }
}

TEST_CASE("command: a completion that is not UTF-8 arrives with U+FFFD", "[reward]") {
  CommandScorer command(options_of(python(kLengths)));
  const std::vector<std::string> completions = {"a\xFF\xFE", "\xE4\xBD\xA0"};
  const auto answers = command.score(batch_of(completions));
  CHECK(answers[0].reward == 3.0);
  CHECK(answers[1].reward == 1.0);
}

TEST_CASE("command: the example gives the share of the target's words", "[reward]") {
  const test::LogCapture log;
  CommandScorer command(options_of({"python3", "scripts/reward_command.py"}));
  const std::vector<std::string> completions = {"a black cat", "cat cat", "Black", ""};
  for (int round = 0; round < 2; ++round) {
    const auto answers = command.score(batch_of(completions));
    CHECK(answers[0].reward == 1.0);
    CHECK(answers[1].reward == 1.0 / 3.0);
    CHECK(answers[2].reward == 0.0);
    CHECK(answers[3].reward == 0.0);
  }
  CHECK(log.text() == "info: reward command: ready\n");
}

TEST_CASE("command: several threads may ask at once", "[reward]") {
  CommandScorer command(options_of(scorer("while ask; do answer ${#id}; done")));
  std::vector<int> right(4);
  std::vector<std::thread> threads;
  for (int& count : right)
    threads.emplace_back([&command, &count] {
      for (int i = 0; i < 20; ++i) count += command.score(batch_of(kTwo)).size() == 2 ? 1 : 0;
    });
  for (std::thread& thread : threads) thread.join();
  for (const int count : right) CHECK(count == 20);
}

TEST_CASE("command: a breach of the protocol is an error at once, with the line", "[reward]") {
  const test::LogCapture log;
  const std::string garbage =
      complaint(scorer("ask; echo 'about to fail' >&2; printf 'Hello \\377 {}\\n'; ask; ask"), 3);
  CHECK(contains(garbage, "reward command \"/bin/sh -c ask() { read"));
  CHECK(contains(garbage, "; ask; ask\": it wrote a line that is not JSON"));
  CHECK(contains(garbage, ": \"Hello \\xff {}\""));
  CHECK(contains(garbage, "\nthe end of its stderr:\n  about to fail"));
  CHECK(contains(complaint(scorer("ask; answer NaN; ask; ask"), 3), "NaN or Infinity"));
  CHECK(contains(complaint(scorer("ask; answer null; ask; ask"), 3), "the reward null"));
  CHECK(contains(complaint(scorer("ask; answer 1; answer 1; ask; ask"), 3), "answered id 0 twice"));
  CHECK(
      contains(complaint(scorer("ask; id=7; answer 1; ask; ask"), 3),
               "answered id 7, which it was not asked (only 0 to 1): \"{\"id\":7,\"reward\":1}\""));
}

TEST_CASE("command: an endless line is refused, and a long one is cut in the message", "[reward]") {
  CHECK(contains(complaint(shell("exec cat /dev/zero"), 3), "a line of more than 1048576 bytes"));
  const std::string message = complaint(scorer("ask; printf '%0600d\\n' 0; ask; ask"), 3);
  CHECK(contains(message, "\"" + std::string(200, '0') + "...\""));
}

TEST_CASE("command: output that nobody asked for is refused", "[reward]") {
  CommandScorer command(
      options_of(scorer("ask; answer 1; ask; answer 1; echo '{\"id\":1,\"reward\":0}'; ask; ask")));
  CHECK(command.score(batch_of(kTwo)).size() == 2);
  CHECK(contains(complaint(command), "{\"id\":1,\"reward\":0}"));
}

TEST_CASE("command: after an error every call gives the same one", "[reward]") {
  CommandScorer command(options_of(scorer("ask; echo no; ask; ask")));
  const std::string message = complaint(command);
  CHECK(contains(message, "not JSON"));
  CHECK(complaint(command) == message);
  CHECK(test::has_no_child());
}

TEST_CASE("command: one that ends is started again, as often as allowed", "[reward]") {
  const test::LogCapture log;
  const std::string message = complaint(shell("echo 'ImportError: x' >&2; exit 3"), 2);
  CHECK(contains(message, "it exited with status 3 after 0 of 2 answers, at the last of 3 starts"));
  CHECK(contains(message, "\nthe end of its stderr:\n  ImportError: x"));
  CHECK(contains(log.text(),
                 "warning: the reward command exited with status 3 after 0 of 2 answers;"
                 " restart 2 of 2 in 0 s\n"));
  CHECK_FALSE(contains(log.text(), "restart 3"));
  CHECK(contains(complaint(scorer("ask; answer 1; ask; kill -KILL $$")),
                 "was killed by signal 9 (Killed) after 1 of 2 answers"));
  CHECK(contains(complaint(scorer("ask; exec >&-; exec sleep 1000")),
                 "it closed its output after 0 of 2 answers"));
}

TEST_CASE("command: after a crash in the middle the whole batch is asked again", "[reward]") {
  const test::LogCapture log;
  const test::TempDir directory;
  const std::string mark = directory / "mark";
  CommandScorer command(
      options_of(scorer("if [ ! -e " + mark + " ]; then touch " + mark +
                        "; ask; answer 9; exit 1; fi; while ask; do answer 2; done")));
  for (int round = 0; round < 3; ++round) {
    const auto answers = command.score(batch_of(kTwo));
    CHECK(answers[0].reward == 2.0);
    CHECK(answers[1].reward == 2.0);
  }
  CHECK(contains(log.text(), "restart 1 of 3"));
  CHECK_FALSE(contains(log.text(), "restart 2"));
}

TEST_CASE("command: restarts are counted for each batch", "[reward]") {
  const test::LogCapture log;
  CommandOptions options = options_of(scorer("ask; answer 1; ask; answer 1"));
  options.max_restarts = 1;
  CommandScorer command(options);
  for (int round = 0; round < 5; ++round) CHECK(command.score(batch_of(kTwo)).size() == 2);
}

TEST_CASE("command: one that hangs is ended at the time-out", "[reward]") {
  const test::LogCapture log;
  CHECK(contains(complaint(scorer("ask; answer 1; ask; exec sleep 1000"), 0, 1),
                 "it gave 1 of 2 answers within 1 s"));
  CHECK(contains(complaint(shell("exec sleep 1000"), 2, 0.05),
                 "it gave 0 of 2 answers within 0.05 s (does it flush its output?), at the last of "
                 "3 starts"));
  CHECK(contains(complaint(shell("trap '' TERM; while :; do sleep 1000; done"), 0, 0.05),
                 "gave 0 of 2 answers"));
  CHECK(contains(complaint(shell("yes flood >&2"), 0, 0.05), "gave 0 of 2 answers"));
}

TEST_CASE("command: a program that is gone at a restart is an error of the run", "[reward]") {
  const test::LogCapture log;
  const test::TempDir directory;
  const std::string program = directory / "scorer";
  test::write_file(program, "#!/bin/sh\nrm " + program + "\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  CHECK(contains(complaint({program}, 1), "could not be started again: reward command: cannot "));
}

TEST_CASE("command: options that make no sense are refused before anything runs", "[reward]") {
  const auto refusal = [](auto change) {
    CommandOptions options = options_of({"cat"});
    change(options);
    return message_of<ConfigError>([&] { const CommandScorer command(options); });
  };
  CHECK(contains(refusal([](auto& o) { o.command = {}; }), "command is empty"));
  CHECK(contains(refusal([](auto& o) { o.command = {""}; }), "command is empty"));
  CHECK(contains(refusal([](auto& o) { o.command = {"no-such-program-here"}; }), "cannot start"));
  CHECK(contains(refusal([](auto& o) { o.command.push_back(std::string(1, '\0')); }), "zero byte"));
  for (const double seconds : {0.0, -1.0, 1e7, std::numeric_limits<double>::quiet_NaN()})
    CHECK(contains(refusal([&](auto& o) { o.timeout_seconds = seconds; }), "timeout_seconds is"));
  CHECK(contains(refusal([](auto& o) { o.max_restarts = -1; }), "max_restarts is -1"));
  for (const double seconds : {-1.0, 31.0, std::numeric_limits<double>::quiet_NaN()})
    CHECK(contains(refusal([&](auto& o) { o.restart_delay_seconds = seconds; }),
                   "restart_delay_seconds is"));
}

TEST_CASE("command: nothing is left behind", "[reward]") {
  const test::LogCapture log;
  const int64_t files = test::open_files();
  {
    CommandScorer command(options_of(scorer("ask; answer 1; ask; answer 1")));
    for (int round = 0; round < 5; ++round) CHECK(command.score(batch_of(kTwo)).size() == 2);
  }
  CHECK(test::open_files() == files);
  CHECK(test::has_no_child());
}

}  // namespace
}  // namespace pgtrain
