// Wrong configurations, data and folders: the exact exit code, the place, what is right, and
// nothing changed on the disk.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "experiment.h"

using namespace pgtrain::test;

namespace {

struct BadSetting {
  std::vector<std::string> settings;
  int code;
  std::vector<std::string> parts;  // all of them are in the message
};

void check_refused(const Experiment& experiment, const BadSetting& bad) {
  const auto before = listing(experiment.path());
  const ProcessResult result = experiment.train(bad.settings);
  INFO((bad.settings.empty() ? "" : bad.settings[0]) << "\n" << result.err);
  CHECK(result.signal == 0);
  CHECK(result.code == bad.code);
  CHECK(result.out.empty());
  for (const std::string& part : bad.parts) {
    INFO(part);
    CHECK(contains(result.err, part));
  }
  CHECK(listing(experiment.path()) == before);
}

// Trains with train.jsonl holding the text.
void check_data_refused(const std::string& text, const std::vector<std::string>& parts) {
  const Experiment experiment;
  write_file(experiment / "train.jsonl", text);
  check_refused(experiment, {{}, 4, parts});
}

// train.log tells of the attempt; everything else must be as before.
std::map<std::string, std::string> run_without_log(const Experiment& experiment) {
  auto files = listing(experiment / "run");
  files.erase("./train.log");
  return files;
}

void check_resume_refused(const Experiment& experiment, const BadSetting& bad) {
  const auto before = run_without_log(experiment);
  const ProcessResult result = experiment.train(bad.settings);
  INFO(result.err);
  CHECK(result.code == bad.code);
  for (const std::string& part : bad.parts) {
    INFO(part);
    CHECK(contains(result.err, part));
  }
  CHECK(run_without_log(experiment) == before);
}

}  // namespace

TEST_CASE("a wrong experiment file is reported whole, with places, before anything is written") {
  const Experiment experiment;
  write_file(experiment / "tiny.yaml", R"(run: {directory: run}
data: {train: train.jsonl}
trian: {steps: 3}
rollout:
  samples_per_promt: 4
  temperature: hot
  max_new_tokens: 0
model: {kind: gruu}
)");
  check_refused(experiment, {{},
                             2,
                             {"tiny.yaml:3:1: error: unknown key 'trian'; did you mean 'train'?",
                              "tiny.yaml:5:3: error: unknown key 'rollout.samples_per_promt'",
                              "did you mean 'rollout.samples_per_prompt'",
                              "tiny.yaml:6:16: error:", "must be a number",
                              "tiny.yaml:7:19: error:", "must be from 1 to 1048576, not 0",
                              "tiny.yaml:8:15: error:", "gru"}});
}

TEST_CASE("experiment files that are not there or not YAML are named") {
  const Experiment experiment;
  const auto before = listing(experiment.path());
  const ProcessResult missing = experiment.run({"train", "--config", "none.yaml"});
  CHECK(missing.code == 2);
  CHECK(contains(missing.err, "none.yaml"));
  CHECK(contains(missing.err, "No such file"));
  CHECK(listing(experiment.path()) == before);
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"run: [", "tiny.yaml:"},
      {"run: {name: \xff}", "UTF-8"},
      {std::string("run: {name: a}\0", 15), "control character"},
      {"run: {name: a}\nrun: {name: b}\n", "tiny.yaml:2:1: error: duplicate key 'run'"},
      {std::string(5000, '['), "nested deeper"},
      {"run: &a {name: *a}", "alias"},
      {"", "tiny.yaml: error: the file holds no keys"},
      {"train: {steps: 1}", "data.train"},
      {"- 1", "tiny.yaml:1:1"},
  };
  for (const auto& [text, part] : texts) {
    write_file(experiment / "tiny.yaml", text);
    check_refused(experiment, {{}, 2, {part}});
  }
}

TEST_CASE("wrong settings are refused with the key and what is allowed") {
  const Experiment experiment;
  const std::vector<BadSetting> settings = {
      {{"train.steps"}, 2, {"--set train.steps: error", "key=value"}},
      {{"=3"}, 2, {"the key before '=' is empty"}},
      {{"a..b=3"}, 2, {"empty part"}},
      {{"train.steps=99999999999999999999"}, 2, {"train.steps", "64-bit"}},
      {{"optimizer.learning_rate=.nan"}, 2, {"optimizer.learning_rate", "finite"}},
      {{"reward.7.weight=1"}, 2, {"'reward' has 1 element"}},
      {{"reward=[]"}, 2, {"at least one part"}},
      {{"rollout.samples_per_prompt=1"}, 2, {"leave_one_out", "at least 2"}},
      {{"algorithm.ema_decay=0.5"}, 2, {"algorithm.ema_decay", "no effect", "baseline 'ema'"}},
      {{"run.name=a/b"}, 2, {"run.name"}},
      {{"model.vocab_size=5"}, 2, {"model.vocab_size: is 5", "20 tokens"}},
      {{"tokenizer.vocab_size=2"}, 2, {"tokenizer.vocab_size", "at least 6"}},
      {{"data.train=none.jsonl"}, 4, {"none.jsonl", "No such file"}},
      {{"data.train=tiny.yaml"}, 4, {"tiny.yaml", ".jsonl"}},
      {{"data.prompt_field=promt"}, 4, {"train.jsonl:1:1", "did you mean \"prompt\""}},
      {{"rollout.max_new_tokens=2"}, 4, {"train.jsonl:2: ", "3 tokens", "train.overlong: drop"}},
  };
  for (const BadSetting& bad : settings) check_refused(experiment, bad);
}

TEST_CASE("wrong data is refused with file, line and column") {
  const std::string good = "{\"prompt\": \"a\", \"target\": \"b\"}\n";
  check_data_refused("", {"train.jsonl:1:1", "no records"});
  check_data_refused(good + "{\"prompt\": \"a\", \"target\": \"\xc3(\"}\n",
                     {"train.jsonl:2:28: invalid UTF-8"});
  check_data_refused(good + good + "{\"prompt\": \"a\", \"target\" \"b\"}\n",
                     {"train.jsonl:3:28: bad JSON", "expected ':'"});
  check_data_refused(good + "[1]\n", {"train.jsonl:2:1", "one JSON object, not array"});
  check_data_refused("{\"prompt\": \"a\", \"target\": 3}\n", {"train.jsonl:1:1", "\"target\""});
  check_data_refused(good + std::string(100000, '['), {"train.jsonl:2:"});
}

TEST_CASE("a run directory that cannot be one is a disk error") {
  const Experiment experiment;
  check_refused(experiment, {{"run.directory=tiny.yaml"}, 5, {"tiny.yaml", "cannot create"}});
  check_refused(experiment, {{"run.directory=tiny.yaml/run"}, 5, {"tiny.yaml/run"}});
  check_refused(experiment, {{"run.directory=/proc/none/run"}, 5, {"/proc/none/run"}});
}

TEST_CASE("what a run left is refused when it does not fit, and stays as it was") {
  const Experiment experiment;
  REQUIRE(experiment.train({"train.steps=3"}).code == 0);

  SECTION("another configuration names the keys that differ") {
    check_resume_refused(experiment, {{"train.steps=4", "run.seed=9", "algorithm.baseline=none"},
                                      2,
                                      {"run/config.yaml", "run.seed: 3 -> 9",
                                       "algorithm.baseline: leave_one_out -> none", "run.name"}});
  }
  SECTION("changed data") {
    write_file(experiment / "eval.jsonl", read_file(experiment / "train.jsonl"));
    check_resume_refused(experiment, {{"train.steps=3"}, 4, {"has changed", "eval"}});
  }
  SECTION("a run directory in use") {
    const int fd = ::open((experiment / "run/lock").c_str(), O_RDWR);
    REQUIRE(fd >= 0);
    REQUIRE(flock(fd, LOCK_EX | LOCK_NB) == 0);
    check_resume_refused(experiment,
                         {{"train.steps=3"}, 2, {"run: another pgtrain process is using"}});
    ::close(fd);
  }
  SECTION("rows that are missing") {
    write_file(experiment / "run/metrics.jsonl", "");
    check_resume_refused(experiment,
                         {{"train.steps=3"}, 4, {"metrics.jsonl", "the file was changed"}});
  }
}
