#include "report/run_record.h"

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

void write_run(const std::filesystem::path& directory, const std::string& metrics) {
  std::filesystem::create_directories(directory);
  test::write_file(directory / "config.yaml",
                   "run: {name: r, seed: 7}\ndata: {train: t.jsonl}\ntrain: {steps: 2}\n");
  test::write_file(directory / "metrics.jsonl", metrics);
}

TEST_CASE("run record: curves by phase and column", "[report]") {
  test::TempDir folder;
  write_run(
      folder.path() / "r",
      "{\"phase\":\"warmup\",\"step\":1,\"loss\":2.5}\n"
      "{\"phase\":\"eval\",\"step\":0,\"eval_reward\":0.25}\n"
      "{\"phase\":\"train\",\"step\":1,\"reward\":0.5,\"num_tokens\":10}\n"
      "{\"phase\":\"train\",\"step\":2,\"reward\":null,\"kl\":0.125,\"nonfinite\":[\"reward\"]}\n"
      "{\"phase\":\"train\",\"step\":3,\"rew");
  const RunRecord run = read_run(folder.path() / "r");
  CHECK(run.config.run.seed == 7);
  CHECK(run.curve("warmup", "loss").values == std::vector<double>{2.5});
  CHECK(run.curve("eval", "eval_reward").steps == std::vector<int64_t>{0});
  CHECK(run.curve("train", "reward").steps == std::vector<int64_t>{1, 2});
  CHECK(std::isnan(run.curve("train", "reward").values[1]));
  CHECK(run.curve("train", "kl").steps == std::vector<int64_t>{2});
  CHECK(run.curve("train", "nothing").empty());
  CHECK(run.step == 2);
  CHECK(run.is_finished);
  const auto seed = std::find(run.settings.begin(), run.settings.end(),
                              std::pair<std::string, std::string>("run.seed", "7"));
  CHECK(seed != run.settings.end());
}

TEST_CASE("run record: a run ends with the evaluation after its last step", "[report]") {
  ExperimentConfig config;
  config.train.steps = 2;
  config.eval.every = 5;
  Curves curves;
  curves["train"]["reward"] = {{1, 2}, {0.5, 0.5}};
  CHECK(is_complete(config, curves));  // nothing is held out
  config.data.eval = "e.jsonl";
  curves["eval"]["eval_reward"] = {{0}, {0.1}};
  CHECK_FALSE(is_complete(config, curves));
  curves["eval"]["eval_reward"] = {{0, 2}, {0.1, 0.2}};
  CHECK(is_complete(config, curves));
  config.train.steps = 3;
  CHECK_FALSE(is_complete(config, curves));
  config.train.max_tokens = 10;
  curves["train"]["num_tokens"] = {{1, 2}, {5, 10}};
  CHECK(is_complete(config, curves));
}

TEST_CASE("run record: a folder stands for the runs in it", "[report]") {
  test::TempDir folder;
  write_run(folder.path() / "b", "");
  write_run(folder.path() / "a", "");
  std::filesystem::create_directories(folder.path() / "empty");
  using Paths = std::vector<std::filesystem::path>;
  CHECK(find_runs({folder.path()}) == Paths{folder.path() / "a", folder.path() / "b"});
  CHECK(find_runs({folder.path() / "b"}) == Paths{folder.path() / "b"});
  CHECK(find_runs({folder.path() / "b", folder.path() / "." / "b"}) == Paths{folder.path() / "b"});
  CHECK(test::contains(test::message_of<DataError>([&] { find_runs({folder.path() / "empty"}); }),
                       "no config.yaml"));
  CHECK(test::contains(test::message_of<DataError>([&] { find_runs({folder.path() / "none"}); }),
                       "No such file"));
  CHECK_FALSE(read_run(folder.path() / "a").is_finished);
  CHECK(test::contains(test::message_of<DataError>([&] { read_run(folder.path()); }),
                       "not the directory of a run"));
}

}  // namespace
}  // namespace pgtrain
