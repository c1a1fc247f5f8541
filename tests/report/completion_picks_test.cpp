#include "report/completion_picks.h"

#include "metrics/row.h"
#include "support/support.h"

namespace pgtrain {
namespace {

std::vector<CompletionSample> with_rewards(const std::vector<double>& rewards) {
  std::vector<CompletionSample> samples;
  for (const double reward : rewards) {
    samples.emplace_back();
    samples.back().reward = reward;
    samples.back().line = static_cast<int64_t>(samples.size());
  }
  return samples;
}

// "best 5, worst 1": kinds and lines in order.
std::string show(const std::vector<double>& rewards, size_t each) {
  const auto samples = with_rewards(rewards);
  std::string out;
  for (const Pick& pick : pick_samples(samples, each))
    out +=
        std::string(out.empty() ? "" : ", ") + pick.kind + " " + std::to_string(pick.sample->line);
  return out;
}

std::string line(const std::string& phase, int64_t step, int64_t number, double reward,
                 const std::string& notes = "", const std::string& completion = "text") {
  Row row;
  row.set("phase", phase).set("step", step).set("line", number).set("prompt", "p");
  row.set("completion", completion).set("target", "t").set("reward", reward);
  row.set("rewards/bleu", 0.25);
  if (!notes.empty()) row.set("notes", notes);
  row.set("length", 3).set("finished", 1);
  return to_json_line(row);
}

TEST_CASE("picks: best, median and worst by hand", "[report]") {
  CHECK(show({}, 3).empty());
  CHECK(show({5}, 3) == "best 1");
  CHECK(show({1, 2}, 3) == "best 2, worst 1");
  CHECK(show({1, 3, 2}, 3) == "best 2, median 3, worst 1");
  CHECK(show({4, 3, 2, 1}, 3) == "best 1, median 2, worst 4");
  CHECK(show({1, 2, 3, 4, 5, 6, 7, 8, 9}, 1) == "best 9, median 5, worst 1");
  CHECK(show({1, 2, 3, 4, 5, 6, 7, 8, 9}, 2) ==
        "best 9, best 8, median 6, median 5, worst 2, worst 1");
  CHECK(show({1, std::nan(""), 2}, 1) == "best 3, worst 1");
  CHECK(show({7, 7, 7}, 1) == "best 1, median 2, worst 3");  // equal rewards: in order of lines
}

TEST_CASE("picks: first and last evaluation, the end of training", "[report]") {
  test::TempDir folder;
  const std::string file = folder / "completions.jsonl";
  test::write_file(file, line("eval", 0, 1, 0.1) + line("train", 1, 5, 0.2) +
                             line("train", 9, 6, 0.3) + line("eval", 5, 1, 0.4) +
                             line("eval", 10, 1, 0.5, "", "last") + line("eval", 10, 2, 0.6) +
                             "{\"phase\":\"eval\",\"step\":10,\"compl");
  const CompletionLog log = read_completions(file, 8, {});
  CHECK(log.count == 6);
  REQUIRE(log.first_evaluation.size() == 1);
  CHECK(log.first_evaluation[0].reward == 0.1);
  REQUIRE(log.last_evaluation.size() == 2);
  const CompletionSample& sample = log.last_evaluation[0];
  CHECK(sample.completion.text == "last");
  CHECK(sample.step == 10);
  CHECK(sample.prompt.text == "p");
  CHECK(sample.target.text == "t");
  CHECK(sample.parts == std::vector<std::pair<std::string, double>>{{"bleu", 0.25}});
  CHECK(sample.length == 3);
  CHECK(sample.is_finished);
  REQUIRE(log.training.size() == 1);
  CHECK(log.training[0].line == 6);
  CHECK(read_completions(folder / "missing.jsonl", 0, {}).count == 0);
}

TEST_CASE("picks: one evaluation is the last one", "[report]") {
  test::TempDir folder;
  const std::string file = folder / "completions.jsonl";
  test::write_file(file, line("eval", 0, 1, 0.1));
  const CompletionLog log = read_completions(file, 0, {});
  CHECK(log.first_evaluation.empty());
  CHECK(log.last_evaluation.size() == 1);
}

TEST_CASE("picks: rows without the columns are passed over", "[report]") {
  test::TempDir folder;
  const std::string file = folder / "completions.jsonl";
  test::write_file(file,
                   "{}\n{\"phase\":\"eval\",\"step\":1,\"reward\":1}\n"
                   "{\"phase\":\"eval\",\"step\":\"1\",\"completion\":\"a\",\"reward\":1}\n"
                   "{\"phase\":\"eval\",\"step\":1,\"completion\":2,\"reward\":1}\n"
                   "{\"phase\":\"eval\",\"step\":1,\"completion\":\"a\",\"reward\":\"1\"}\n"
                   "{\"phase\":7,\"step\":1,\"completion\":\"a\",\"reward\":1}\n"
                   "{\"phase\":\"eval\",\"step\":1,\"completion\":\"a\",\"reward\":null}\n");
  const CompletionLog log = read_completions(file, 0, {});
  CHECK(log.count == 7);
  CHECK(log.last_evaluation.size() == 1);
  CHECK(pick_samples(log.last_evaluation, 3).empty());
}

TEST_CASE("picks: words of blocklists are counted", "[report]") {
  test::TempDir folder;
  const std::string file = folder / "completions.jsonl";
  test::write_file(file, line("train", 1, 1, 0, "rude: darn, heck; other: x 0.5") +
                             line("train", 2, 1, 0, "rude: darn") +
                             line("eval", 2, 1, 0, "other: darn") +
                             line("eval", 2, 2, 0, "rude: heck"));
  const auto words = read_completions(file, 0, {"rude"}).words;
  REQUIRE(words.size() == 2);
  CHECK(words.at("darn").training == 2);
  CHECK(words.at("darn").held_out == 0);
  CHECK(words.at("heck").training == 1);
  CHECK(words.at("heck").held_out == 1);
}

TEST_CASE("picks: memory stays bounded", "[report]") {
  test::TempDir folder;
  const std::string file = folder / "completions.jsonl";
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes += line("eval", 1, i, i, "rude: w" + std::to_string(i));
  bytes += line("eval", 1, 5000, 1, "", std::string(100000, 'x') + "\u4E2D");
  bytes += line("eval", 2, 1, 1, "", std::string(kMaxShownBytes - 1, 'x') + "\u4E2D");
  test::write_file(file, bytes);
  const CompletionLog log = read_completions(file, 0, {"rude"});
  CHECK(log.first_evaluation.size() <= kMaxKeptSamples);
  CHECK(log.first_evaluation.size() >= kMaxKeptSamples / 2);
  CHECK(log.first_evaluation[1].line - log.first_evaluation[0].line == 8);
  CHECK(log.words.size() == kMaxCountedWords);
  REQUIRE(log.last_evaluation.size() == 1);
  const ShownText& shown = log.last_evaluation[0].completion;
  CHECK(shown.text == std::string(kMaxShownBytes - 1, 'x'));  // not cut inside of a character
  CHECK(shown.left_out == 3);
}

}  // namespace
}  // namespace pgtrain
