// What shows a run: the event file for TensorBoard, the commands metrics and watch.
#include <csignal>

#include "experiment.h"
#include "metrics/event_file.h"

using namespace pgtrain::test;

namespace {

namespace fs = std::filesystem;
using Points = std::vector<std::pair<int64_t, std::string>>;

const std::vector<std::string> kSettings = {"warmup.steps=20", "train.steps=40",
                                            "checkpoint.every=4", "eval.every=10",
                                            "log.histogram_every=5"};

// Step and first tag of each event with values, as a reader of the folder meets them.
Points points(const Experiment& experiment) {
  Points result;
  for (const fs::path& file : pgtrain::event_files(experiment / "run")) {
    pgtrain::EventReader reader(file);
    while (const auto event = reader.next()) {
      const auto head = pgtrain::read_event_head(*event, file.string());
      if (!head.first_tag.empty() && head.first_tag != "config")
        result.emplace_back(head.step, head.first_tag);
    }
  }
  return result;
}

const Points& expected() {
  static const Points result = [] {
    const Experiment experiment;
    const ProcessResult run = experiment.train(kSettings);
    if (run.code != 0) throw std::runtime_error(run.err);
    return points(experiment);
  }();
  return result;
}

int64_t count(const Points& points, const std::string& tag) {
  return std::count_if(points.begin(), points.end(),
                       [&](const auto& point) { return point.second == tag; });
}

uint64_t metrics_size(const Experiment& experiment) {
  std::error_code missing;
  const uint64_t size = fs::file_size(experiment / "run/metrics.jsonl", missing);
  return missing ? 0 : size;
}

void kill_at(const Experiment& experiment, uint64_t bytes) {
  Process process(Experiment::train_arguments(kSettings), experiment.options());
  process.wait_until([&] { return metrics_size(experiment) >= bytes; });
  process.send(SIGKILL);
  process.wait();
}

}  // namespace

TEST_CASE("the event file has every row, and after kills has it once") {
  CHECK(count(expected(), "warmup/loss") == 20);
  CHECK(count(expected(), "train/reward") == 40);
  CHECK(count(expected(), "eval/reward") == 5);
  CHECK(count(expected(), "timing/step_time") == 40);
  CHECK(count(expected(), "samples/train") == 8);
  CHECK(count(expected(), "samples/eval") == 5);
  const Experiment experiment;
  for (const uint64_t bytes : {1000, 6000, 14000}) kill_at(experiment, bytes);
  REQUIRE(experiment.train(kSettings).code == 0);
  CHECK(points(experiment) == expected());
}

TEST_CASE("a lost or damaged event file does not keep a run from going on") {
  for (const bool is_lost : {true, false}) {
    const Experiment experiment;
    kill_at(experiment, 8000);
    for (const fs::path& file : pgtrain::event_files(experiment / "run")) {
      if (is_lost)
        fs::remove(file);
      else
        flip_byte(file.string());
    }
    const ProcessResult result = experiment.train(kSettings);
    INFO(result.err);
    CHECK(result.code == 0);
    CHECK(contains(result.err, "TensorBoard's curves lack what came after it") == !is_lost);
    CHECK(points(experiment).back() == expected().back());
  }
}

TEST_CASE("log.tensorboard: false writes none, and may change half-way") {
  const Experiment experiment;
  REQUIRE(experiment.train({"log.tensorboard=false"}).code == 0);
  CHECK(points(experiment).empty());
  REQUIRE(experiment.train({"train.steps=9", "log.histogram_every=1"}).code == 0);
  CHECK(count(points(experiment), "train/reward") == 1);
  CHECK(count(points(experiment), "samples/train") == 1);
}

TEST_CASE("metrics prints a table, CSV and JSON") {
  const Experiment experiment;
  REQUIRE(experiment.train().code == 0);
  const ProcessResult table = experiment.run({"metrics", "run"});
  CHECK(table.code == 0);
  CHECK(contains(table.out, "reward  eval_reward"));
  CHECK(std::count(table.out.begin(), table.out.end(), '\n') == 10);  // head, steps 0 to 8
  const ProcessResult csv = experiment.run(
      {"metrics", "run", "--phase", "train", "--columns", "reward,entropy", "--csv"});
  CHECK(csv.out.rfind("step,reward,entropy\n1,", 0) == 0);
  CHECK(std::count(csv.out.begin(), csv.out.end(), '\n') == 9);
  const auto rows = json_lines(experiment.run({"metrics", "run", "--json", "--last", "1"}).out);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0] == json_lines(experiment.metrics()).back());
  CHECK(experiment.run({"metrics", "run", "--columns", "rewrad"}).code == 2);
  CHECK(experiment.run({"metrics", "run", "--csv", "--json"}).code == 2);
  CHECK(experiment.run({"metrics", "nowhere"}).code == 4);
  ProcessOptions full = experiment.options();
  full.output = "/dev/full";
  CHECK(run_pgtrain({"metrics", "run", "--csv"}, full).code == 5);
}

TEST_CASE("watch without a terminal prints the curves once") {
  const Experiment experiment;
  const ProcessResult before = experiment.run({"watch", "run"});
  CHECK(before.code == 4);
  CHECK(contains(before.err, "run: no run has started there"));
  REQUIRE(experiment.train().code == 0);
  const ProcessResult after = experiment.run({"watch", "run"});
  CHECK(after.code == 0);
  CHECK(contains(after.out, "step 8/8"));
  CHECK(contains(after.out, "done"));
  CHECK(contains(after.out, "\neval_reward "));
  CHECK_FALSE(contains(after.out, "\x1b"));
}
