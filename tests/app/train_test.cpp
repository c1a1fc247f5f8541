// Whole small training runs: every baseline, model and tokenizer, and what they leave on the disk.
#include <set>

#include "experiment.h"

using namespace pgtrain::test;
using nlohmann::json;

namespace {

std::vector<json> rows_of(const std::vector<json>& rows, const std::string& phase) {
  std::vector<json> result;
  for (const json& row : rows)
    if (row.at("phase") == phase) result.push_back(row);
  return result;
}

void check_keys(const json& row, const std::set<std::string>& keys) {
  for (const std::string& key : keys) {
    INFO(key << " in " << row);
    CHECK(row.contains(key));
  }
}

}  // namespace

TEST_CASE("a run leaves its configuration, rows, logs and checkpoints in its folder") {
  const Experiment experiment;
  std::vector<std::string> arguments = Experiment::train_arguments({});
  arguments.emplace_back("--json");
  const ProcessResult result = experiment.run(arguments);
  INFO(result.err);
  REQUIRE(result.code == 0);

  const auto files = listing(experiment / "run");
  for (const char* name : {"./config.yaml", "./metrics.jsonl", "./completions.jsonl",
                           "./timing.jsonl", "./train.log", "checkpoints/latest"}) {
    INFO(name);
    CHECK(files.count(name) == 1);
  }
  CHECK(files.at("checkpoints/latest") == "-> step-000008");
  for (const char* name : {"config.json", "tokenizer.json", "model.safetensors", "state.json",
                           "optimizer.safetensors", "experiment.yaml", "manifest.json"}) {
    INFO(name);
    CHECK(files.count("checkpoints/step-000008/" + std::string(name)) == 1);
  }

  const auto rows = json_lines(experiment.metrics());
  const auto warmup = rows_of(rows, "warmup");
  const auto train = rows_of(rows, "train");
  const auto eval = rows_of(rows, "eval");
  CHECK(warmup.size() == 6);
  REQUIRE(train.size() == 8);
  REQUIRE(eval.size() == 3);  // before the first step, at 4 and at 8
  check_keys(warmup[0], {"step", "loss", "grad_norm"});
  check_keys(train[0],
             {"step", "reward", "reward_std", "rewards/edit_similarity/mean", "baseline",
              "completions/mean_length", "completions/min_length", "completions/max_length",
              "completions/clipped_ratio", "frac_reward_zero_std", "advantage_std", "loss",
              "policy_loss", "entropy", "grad_norm", "learning_rate", "num_tokens",
              "sampling/sampling_logp_difference/max", "nonfinite_steps"});
  check_keys(eval[0], {"step", "eval_reward", "eval_completions/mean_length"});
  CHECK(train.back().at("step") == 8);
  CHECK(train.back().at("sampling/sampling_logp_difference/max").get<double>() < 1e-4);

  const auto completions = json_lines(read_file(experiment / "run/completions.jsonl"));
  CHECK(completions.size() == (8 + 3) * 4);
  check_keys(completions.back(),
             {"phase", "step", "line", "prompt", "completion", "target", "reward", "length"});
  CHECK(json_lines(read_file(experiment / "run/timing.jsonl")).size() == 8);

  CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 1);
  const json last = json::parse(result.out);
  CHECK(last.at("run_dir") == "run");
  CHECK(last.at("status") == "done");
  CHECK(last.at("step") == 8);
  CHECK(last.at("eval_reward") == eval.back().at("eval_reward"));
  CHECK("-> step-00000" + std::to_string(last.at("best_step").get<int>()) ==
        files.at("checkpoints/best"));

  // Run again: there is nothing left to do, and nothing changes but the log.
  auto before = listing(experiment / "run");
  REQUIRE(experiment.train().code == 0);
  auto after = listing(experiment / "run");
  before.erase("./train.log");
  after.erase("./train.log");
  CHECK(after == before);
}

TEST_CASE("every baseline, model and tokenizer trains to the end") {
  const std::vector<std::vector<std::string>> variants = {
      {"algorithm.baseline=none"},
      {"algorithm.baseline=ema", "algorithm.ema_decay=0.5"},
      {"algorithm.baseline=batch_mean", "algorithm.whiten_advantages=true"},
      {"algorithm.baseline=value", "algorithm.gae_lambda=0.9"},
      {"algorithm.preset=a2c", "model.kind=lstm", "model.num_layers=2"},
      {"algorithm.preset=reinforce", "tokenizer.kind=word", "warmup.steps=0"},
      {"tokenizer.kind=byte", "algorithm.aggregation=token_mean", "data.eval="},
      {"algorithm.entropy_coef=0.01", "optimizer.kind=adam", "data.prompt_field="},
  };
  for (std::vector<std::string> settings : variants) {
    const Experiment experiment;
    settings.emplace_back("train.steps=3");
    const ProcessResult result = experiment.train(settings);
    INFO(settings[0] << "\n" << result.err);
    REQUIRE(result.code == 0);
    const auto rows = rows_of(json_lines(experiment.metrics()), "train");
    REQUIRE(rows.size() == 3);
    const bool has_value = contains(settings[0], "value") || contains(settings[0], "a2c");
    CHECK(rows[2].contains("value_loss") == has_value);
    CHECK(rows[2].at("grad_norm").get<double>() > 0);
    CHECK(rows[2].at("sampling/sampling_logp_difference/max").get<double>() < 1e-4);
  }
}

TEST_CASE("the control run with advantages of zero leaves the weights alone") {
  const Experiment experiment;
  REQUIRE(experiment
              .train({"algorithm.advantage_scale=0", "checkpoint.every=1",
                      "checkpoint.keep_last=100", "optimizer.weight_decay=0"})
              .code == 0);
  CHECK(read_file(experiment / "run/checkpoints/step-000000/model.safetensors") ==
        read_file(experiment / "run/checkpoints/step-000008/model.safetensors"));
}

TEST_CASE("another seed gives another run") {
  const Experiment one;
  const Experiment two;
  REQUIRE(one.train().code == 0);
  REQUIRE(two.train({"run.seed=4"}).code == 0);
  CHECK(one.metrics() != two.metrics());
}

TEST_CASE("a run works without HOME and without a terminal type") {
  const Experiment experiment;
  ProcessOptions options = experiment.options();
  options.environment = {{"HOME", ""}, {"TERM", ""}, {"NO_COLOR", "1"}, {"LANG", "C"}};
  const ProcessResult result = run_pgtrain(Experiment::train_arguments({}), options);
  CHECK(result.code == 0);
  CHECK_FALSE(contains(result.err, "\x1b"));
}

TEST_CASE("a run with closed standard streams writes the same files") {
  const Experiment open_streams;
  const Experiment closed;
  ProcessOptions options = closed.options();
  options.closed_streams = true;
  REQUIRE(open_streams.train().code == 0);
  REQUIRE(run_pgtrain(Experiment::train_arguments({}), options).code == 0);
  CHECK(exact_record(closed) == exact_record(open_streams));
  const auto lines = [](const Experiment& experiment) {
    const std::string log = read_file(experiment / "run/train.log");
    return std::count(log.begin(), log.end(), '\n');
  };
  CHECK(lines(closed) == lines(open_streams));
}
