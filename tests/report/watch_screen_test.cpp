#include "report/watch_screen.h"

#include <fstream>

#include "support/support.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using test::contains;

class Run {
 public:
  std::string directory() const { return folder_ / "r\x1b[2J"; }
  void start(const std::string& settings = "train: {steps: 3}") const {
    std::filesystem::create_directories(directory());
    test::write_file(directory() + "/config.yaml",
                     "run: {name: r}\ndata: {train: t.jsonl, eval: e.jsonl}\neval: {every: 2}\n" +
                         settings + "\n");
  }
  void append(const std::string& file, const std::string& text) const {
    std::ofstream(directory() + "/" + file, std::ios::app) << text;
  }

 private:
  test::TempDir folder_;
};

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string screen_of(const RunFollower& run, const std::vector<std::string>& columns = {},
                      TerminalSize size = {60, 24}, bool colour = false) {
  return joined(watch_screen(run, columns, size, colour));
}

TEST_CASE("a run is followed from before its start to its end", "[watch]") {
  const Run files;
  RunFollower run(files.directory());
  CHECK_FALSE(run.poll());
  CHECK(contains(screen_of(run), "waiting for a run in "));
  files.start("warmup: {steps: 2}\ntrain: {steps: 3}");
  CHECK(run.poll());
  CHECK_FALSE(run.poll());
  CHECK(contains(screen_of(run), "warm-up 0/2"));
  files.append("metrics.jsonl", "{\"phase\":\"warmup\",\"step\":1,\"loss\":2.5}\n");
  CHECK(run.poll());
  CHECK(contains(screen_of(run), "warm-up 1/2"));
  CHECK(contains(screen_of(run), "\nloss 2.5  min 2.5  max 2.5\n"));
  files.append("metrics.jsonl", "{\"phase\":\"train\",\"step\":1,\"reward\":0.5}\n{\"phase\":\"tr");
  files.append("timing.jsonl", "{\"step\":1,\"step_time\":2.0,\"tokens_per_second\":1500.0}\n");
  CHECK(run.poll());
  CHECK(contains(screen_of(run), "step 1/3  1.50k tok/s  2 s/step  ETA 4.0s"));
  CHECK_FALSE(run.is_done());
  files.append(
      "metrics.jsonl",
      "ain\",\"step\":2,\"reward\":0.75}\n{\"phase\":\"train\",\"step\":3,\"reward\":0.25}\n");
  run.poll();
  CHECK(run.step() == 3);
  CHECK_FALSE(run.is_done());  // the last evaluation is to come
  files.append("metrics.jsonl", "{\"phase\":\"eval\",\"step\":3,\"eval_reward\":0.5}\n");
  run.poll();
  CHECK(run.is_done());
  const std::string screen = screen_of(run);
  CHECK(contains(screen, "step 3/3"));
  CHECK(contains(screen, "done"));
  CHECK(contains(screen, "\nreward 0.25  min 0.25  max 0.75\n"));
  CHECK(contains(screen, "\neval_reward 0.5  min 0.5  max 0.5\n"));
}

TEST_CASE("a run that went back to a checkpoint is read anew", "[watch]") {
  const Run files;
  files.start();
  const std::string first = "{\"phase\":\"train\",\"step\":1,\"reward\":0.5}\n";
  files.append("metrics.jsonl", first + "{\"phase\":\"train\",\"step\":2,\"reward\":0.75}\n");
  RunFollower run(files.directory());
  run.poll();
  CHECK(run.step() == 2);
  test::write_file(files.directory() + "/metrics.jsonl", first);
  CHECK(run.poll());
  CHECK(run.curve("train", "reward").steps == std::vector<int64_t>{1});
}

TEST_CASE("the screen fits, and only colours are control characters", "[watch]") {
  const Run files;
  files.start();
  for (int step = 1; step <= 100; ++step)
    files.append("metrics.jsonl", "{\"phase\":\"train\",\"step\":" + std::to_string(step) +
                                      ",\"reward\":0.5,\"\\u001b[2J\":1}\n");
  RunFollower run(files.directory());
  run.poll();
  for (int columns = 1; columns <= 90; columns += 7) {
    for (int rows = 1; rows <= 60; ++rows) {
      const auto lines =
          watch_screen(run, {"reward", "\x1b[2J", "none", "reward"}, {columns, rows}, false);
      REQUIRE(static_cast<int>(lines.size()) <= rows);
      for (const std::string& line : lines) {
        REQUIRE(static_cast<int>(decode_utf8(line).size()) <= columns);
        REQUIRE(line.find('\x1b') == std::string::npos);
      }
    }
  }
  const std::string screen = screen_of(run, {"\x1b[2J", "none", "reward"});
  CHECK(contains(screen, "\\x1b[2J 1  min 1  max 1"));
  CHECK(contains(screen, "none  no value yet"));
  CHECK(contains(screen, "(curve smoothed)"));
  CHECK_FALSE(contains(screen, "\x1b"));
  CHECK(contains(screen_of(run, {}, {60, 24}, true), "\x1b[32m"));
}

}  // namespace
}  // namespace pgtrain
