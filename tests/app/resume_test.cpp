// Signals, kills, damage and full disks: the run goes on and ends with the same bits.
#include <csignal>
#include <random>
#include <thread>

#include "experiment.h"

using namespace pgtrain::test;

namespace {

namespace fs = std::filesystem;

// Long enough to be hit by a signal, with many checkpoints.
const std::vector<std::string>& long_run() {
  static const std::vector<std::string> settings = {"warmup.steps=40", "train.steps=60",
                                                    "checkpoint.every=4", "eval.every=10"};
  return settings;
}

// The uninterrupted run that all others must equal.
const std::map<std::string, std::string>& expected() {
  static const std::map<std::string, std::string> record = [] {
    const Experiment experiment;
    const ProcessResult result = experiment.train(long_run());
    if (result.code != 0) throw std::runtime_error("the reference run failed: " + result.err);
    return exact_record(experiment);
  }();
  return record;
}

void check_same(const Experiment& experiment) {
  const auto record = exact_record(experiment);
  REQUIRE(record.size() == expected().size());
  for (const auto& [name, bytes] : expected()) {
    INFO(name);
    CHECK(record.at(name) == bytes);
  }
}

uint64_t metrics_size(const Experiment& experiment) {
  std::error_code missing;
  const uint64_t size = fs::file_size(experiment / "run/metrics.jsonl", missing);
  return missing ? 0 : size;
}

// Starts the run and sends the signal once the rows have reached that many bytes.
ProcessResult interrupt(const Experiment& experiment, const std::vector<std::string>& settings,
                        int signal, uint64_t bytes, std::chrono::microseconds delay = {}) {
  Process process(Experiment::train_arguments(settings), experiment.options());
  process.wait_until([&] { return metrics_size(experiment) >= bytes; });
  std::this_thread::sleep_for(delay);
  process.send(signal);
  return process.wait();
}

void finish_and_check(const Experiment& experiment) {
  const ProcessResult result = experiment.train(long_run());
  INFO(result.err);
  REQUIRE(result.code == 0);
  check_same(experiment);
}

}  // namespace

TEST_CASE("SIGTERM and SIGINT save, exit with 75 and 130, and the same command goes on exactly") {
  const uint64_t size = expected().at("metrics.jsonl").size();
  struct Stop {
    int signal;
    int code;
    uint64_t bytes;
    const char* phase;
  };
  const std::vector<Stop> stops = {{SIGTERM, 75, 500, "warmup-"}, {SIGINT, 130, size / 2, "step-"}};
  for (const Stop& stop : stops) {
    const Experiment experiment;
    const ProcessResult result = interrupt(experiment, long_run(), stop.signal, stop.bytes);
    INFO(result.err);
    CHECK(result.signal == 0);
    REQUIRE(result.code == stop.code);
    CHECK(contains(result.err, "run the same command again"));
    CHECK(contains(experiment.link("latest"), stop.phase));
    // Saved at the step where it stopped: the checkpoint counts on every row.
    const auto state =
        nlohmann::json::parse(read_file(experiment / "run/checkpoints/latest/state.json"));
    CHECK(state.at("metrics_length") == metrics_size(experiment));
    finish_and_check(experiment);
  }
}

TEST_CASE("a run that SIGKILL ends at random moments ends with the same bits") {
  std::mt19937 random(7);
  const uint64_t size = expected().at("metrics.jsonl").size();
  for (int round = 0; round < 2; ++round) {
    const Experiment experiment;
    int kills = 0;
    // Each target lies beyond what the run had before, so every kill meets a running process.
    for (uint64_t at = random() % (size / 4); at < size;
         at = metrics_size(experiment) + random() % (size / 2))
      kills += interrupt(experiment, long_run(), SIGKILL, at,
                         std::chrono::microseconds(random() % 20000))
                           .signal == SIGKILL
                   ? 1
                   : 0;
    CHECK(kills >= 1);
    finish_and_check(experiment);
  }
}

TEST_CASE("several epochs, adaptive KL, value network and moving references survive SIGKILL") {
  const std::vector<std::vector<std::string>> algorithms = {
      {"algorithm.preset=ppo", "algorithm.epochs=2", "algorithm.mini_batches=2",
       "algorithm.value_network=separate", "algorithm.kl.controller=adaptive",
       "algorithm.kl.target=0.05", "algorithm.kl.horizon=200"},
      {"algorithm.preset=grpo", "algorithm.kl.reference=ema", "algorithm.kl.ema_decay=0.8",
       "optimizer.ema_decay=0.9", "rollout.top_p=0.9"}};
  for (const auto& algorithm : algorithms) {
    std::vector<std::string> settings = {"warmup.steps=10", "train.steps=40", "checkpoint.every=4",
                                         "eval.every=10"};
    settings.insert(settings.end(), algorithm.begin(), algorithm.end());
    INFO(algorithm[0]);
    const Experiment uninterrupted;
    REQUIRE(uninterrupted.train(settings).code == 0);
    const uint64_t size = uninterrupted.metrics().size();
    const Experiment experiment;
    int kills = 0;
    for (const uint64_t at : {size / 10, size / 3, size * 2 / 3, size * 9 / 10})
      kills += interrupt(experiment, settings, SIGKILL, at).signal == SIGKILL ? 1 : 0;
    CHECK(kills >= 1);
    REQUIRE(experiment.train(settings).code == 0);
    CHECK(exact_record(experiment) == exact_record(uninterrupted));
  }
}

TEST_CASE("the number of threads does not change a bit") {
  for (const char* threads : {"1", "2", "3", "4"}) {
    const Experiment experiment;
    std::vector<std::string> settings = long_run();
    settings.push_back("run.threads=" + std::string(threads));
    REQUIRE(experiment.train(settings).code == 0);
    INFO(threads << " threads");
    check_same(experiment);
  }
}

TEST_CASE("a damaged checkpoint is passed over with a warning for the one before it") {
  const Experiment experiment;
  REQUIRE(experiment.train(long_run()).code == 0);
  flip_byte(experiment / "run/checkpoints/latest/model.safetensors");
  const ProcessResult result = experiment.train(long_run());
  INFO(result.err);
  CHECK(result.code == 0);
  CHECK(contains(result.err, "checkpoint not used"));
  CHECK(contains(result.err, "model.safetensors was changed"));
  CHECK(contains(result.err, "resuming from run/checkpoints/step-000056"));
  check_same(experiment);

  const std::string state = experiment / "run/checkpoints/latest/state.json";
  write_file(state, read_file(state).substr(0, 40));
  const ProcessResult again = experiment.train(long_run());
  CHECK(again.code == 0);
  CHECK(contains(again.err, "state.json has 40 bytes"));
  check_same(experiment);

  for (const auto& entry : fs::directory_iterator(experiment / "run/checkpoints"))
    if (!entry.is_symlink()) flip_byte((entry.path() / "model.safetensors").string());
  const auto before = listing(experiment / "run/checkpoints");
  const ProcessResult none = experiment.train(long_run());
  CHECK(none.code == 4);
  CHECK(contains(none.err, "run/checkpoints: none of the"));
  CHECK(contains(none.err, "move the folder away"));
  CHECK(listing(experiment / "run/checkpoints") == before);
}

TEST_CASE("a checkpoint that cannot be written is a disk error and leaves the one before it") {
  const std::vector<std::string> whole = {"model.hidden_size=48", "train.steps=6"};
  const Experiment uninterrupted;
  REQUIRE(uninterrupted.train(whole).code == 0);

  const Experiment experiment;
  REQUIRE(experiment.train({"model.hidden_size=48", "train.steps=4"}).code == 0);
  const auto before = listing(experiment / "run/checkpoints");
  ProcessOptions limited = experiment.options();
  limited.max_file_bytes = 16384;  // the rows fit, the weights do not
  const ProcessResult result = run_pgtrain(Experiment::train_arguments(whole), limited);
  INFO(result.err);
  CHECK(result.signal == 0);
  CHECK(result.code == 5);
  CHECK(contains(result.err, ".safetensors"));
  CHECK(contains(result.err, "File too large"));
  CHECK(listing(experiment / "run/checkpoints") == before);

  REQUIRE(experiment.train(whole).code == 0);
  CHECK(exact_record(experiment) == exact_record(uninterrupted));
}
