#include "report/compare.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::contains;
using Texts = std::vector<std::string>;

RunSummary run_of(const std::string& rate, const std::string& seed, double eval_reward,
                  const std::string& state = "done") {
  RunSummary run;
  run.name = rate + "-" + seed;
  run.settings = {{"optimizer.learning_rate", rate},
                  {"run.seed", seed},
                  {"train.steps", "40"},
                  {"run.name", run.name},
                  {"run.threads", seed}};
  run.state = state;
  run.step = state == "done" ? 40 : 10;
  run.steps = 40;
  run.eval_reward = eval_reward;
  run.best_eval_reward = eval_reward + 1;
  run.reward = eval_reward - 1;
  return run;
}

TEST_CASE("compare: mean, spread and interval by hand", "[report]") {
  const Estimate three = estimate({1, 2, 6});
  CHECK((three.count == 3 && three.mean == 3));
  CHECK(test::close(*three.std, std::sqrt(7.0)));  // (4 + 1 + 9) / 2
  // scipy.stats.t.interval(0.95, 2, 3, scipy.stats.sem([1, 2, 6])) = (-3.572410608, 9.572410608)
  CHECK(test::close(*three.half_width, 6.57241060772843));
  CHECK(!estimate({5}).std);
  CHECK(!estimate({5}).half_width);
  CHECK(estimate({}).count == 0);
  const Estimate bad = estimate({1, std::numeric_limits<double>::quiet_NaN()});
  CHECK((std::isnan(bad.mean) && !bad.std && !bad.half_width));
  CHECK(*estimate({2, 2}).half_width == 0);
}

TEST_CASE("compare: runs that differ in seed, name and threads are one row", "[report]") {
  const Comparison result = compare_runs({run_of("0.01", "1", 0.5), run_of("0.001", "2", 0.25),
                                          run_of("0.01", "10", 0.7), run_of("0.001", "9", 0.35)});
  CHECK(result.keys == Texts{"optimizer.learning_rate"});
  REQUIRE(result.groups.size() == 2);
  CHECK(result.groups[0].settings == Texts{"0.001"});
  CHECK(test::close(result.groups[0].eval_reward.mean, 0.3));
  CHECK(test::close(result.groups[0].best_eval_reward.mean, 1.3));
  CHECK(test::close(result.groups[0].reward.mean, -0.7));
  CHECK(result.groups[1].seeds == Texts{"1", "10"});
  CHECK(result.groups[1].state == "done");
  CHECK(compare_runs({}).groups.empty());
}

TEST_CASE("compare: the order of the runs changes no byte", "[report]") {
  std::vector<RunSummary> runs;
  for (int i = 0; i < 6; ++i)
    runs.push_back(run_of(i % 2 == 0 ? "0.1" : "0.2", std::to_string(i), 0.1 / (i + 3)));
  const auto output = [&] {
    const Comparison result = compare_runs(runs);
    return comparison_table(result) + comparison_csv(result) + comparison_json(result);
  };
  const std::string expected = output();
  std::reverse(runs.begin(), runs.end());
  CHECK(output() == expected);
}

TEST_CASE("compare: only finished runs count, unless none is", "[report]") {
  const Comparison result =
      compare_runs({run_of("0.01", "1", 0.5), run_of("0.01", "2", 0.1, "failed"),
                    run_of("0.01", "3", 0.7), run_of("0.1", "1", 0.2, "paused"),
                    run_of("0.1", "2", 0.4, "paused"), run_of("1.0", "1", 0.2, "cut")});
  REQUIRE(result.groups.size() == 3);
  CHECK(test::close(result.groups[0].eval_reward.mean, 0.6));
  CHECK(result.groups[0].runs == 2);
  CHECK(result.groups[0].state == "2 done, 1 failed at 10/40");
  CHECK(test::close(result.groups[1].eval_reward.mean, 0.3));
  CHECK(result.groups[1].state == "paused at 10/40");
  CHECK(result.groups[2].state == "cut at 10/40");
}

TEST_CASE("compare: sorted by a column, what has no value last", "[report]") {
  std::vector<RunSummary> runs = {run_of("0.1", "1", 0.5), run_of("0.01", "1", 0.75),
                                  run_of("1.0", "1", std::numeric_limits<double>::quiet_NaN()),
                                  run_of("10.0", "1", 0)};
  runs[3].eval_reward.reset();
  Comparison result = compare_runs(runs);
  const auto rates = [&] {
    Texts values;
    for (const RunGroup& group : result.groups) values.push_back(group.settings[0]);
    return values;
  };
  CHECK(rates() == Texts{"0.01", "0.1", "1.0", "10.0"});
  sort_by(result, "eval_reward");
  CHECK(rates() == Texts{"0.01", "0.1", "1.0", "10.0"});
  sort_by(result, "reward");
  CHECK(rates() == Texts{"0.01", "0.1", "10.0", "1.0"});
  sort_by(result, "learning_rate");
  CHECK(rates() == Texts{"0.01", "0.1", "1.0", "10.0"});
  CHECK(contains(test::message_of<ConfigError>([&] { sort_by(result, "loss"); }),
                 "reward, runs, optimizer.learning_rate"));
}

TEST_CASE("compare: grouped by one key over all others", "[report]") {
  std::vector<RunSummary> runs = {run_of("0.1", "1", 0.5), run_of("0.1", "2", 0.75),
                                  run_of("0.2", "1", 1.5)};
  const Comparison result = compare_runs(runs, {"run.seed"});
  CHECK(result.keys == Texts{"run.seed"});
  REQUIRE(result.groups.size() == 2);
  CHECK(test::close(result.groups[0].eval_reward.mean, 1));
  CHECK(contains(test::message_of<ConfigError>([&] { compare_runs(runs, {"seed"}); }),
                 "written in full"));
}

TEST_CASE("compare: the interval is over the seeds, whatever else a row pools", "[report]") {
  // Seeds 1 and 2 with two learning rates each: means 0.5 and 0.7 of two seeds, as by hand:
  // sd = 0.1414, half width = t(0.975; 1) * sd / sqrt(2) = 12.706 * 0.1 = 1.2706.
  std::vector<RunSummary> runs = {run_of("0.1", "1", 0.2), run_of("0.2", "1", 0.8),
                                  run_of("0.1", "2", 0.4), run_of("0.2", "2", 1.0)};
  const Estimate pooled = compare_runs(runs, {"train.steps"}).groups.at(0).eval_reward;
  CHECK(pooled.count == 2);
  CHECK(test::close(pooled.mean, 0.6));
  CHECK(test::close(pooled.std.value(), std::sqrt(0.02)));
  CHECK(test::close(pooled.half_width.value(), 1.2706204736174698, 1e-9));
  // The same run twice is one observation.
  const Estimate twice =
      compare_runs({run_of("0.1", "1", 0.2), run_of("0.1", "1", 0.2)}).groups.at(0).eval_reward;
  CHECK(twice.count == 1);
  CHECK_FALSE(twice.half_width.has_value());
}

TEST_CASE("compare: rows without a finished run come behind those that have one", "[report]") {
  Comparison result = compare_runs({run_of("0.1", "1", 0.9, "paused"), run_of("0.2", "1", 0.2)});
  sort_by(result, "eval_reward");
  CHECK(result.groups[0].settings[0] == "0.2");
}

TEST_CASE("compare: a preset is one column unless a run departs from it", "[report]") {
  const auto summary = [](const Texts& overrides) {
    RunSummary run;
    Texts all = {"data.train=t.jsonl"};
    all.insert(all.end(), overrides.begin(), overrides.end());
    const auto settings = settings_of(load_experiment({}, all));
    run.settings.insert(settings.begin(), settings.end());
    run.state = "done";
    return run;
  };
  const RunSummary rloo = summary({"algorithm.preset=rloo"});
  const RunSummary grpo = summary({"algorithm.preset=grpo"});
  CHECK(compare_runs({rloo, grpo}).keys == Texts{"algorithm.preset"});
  const RunSummary other = summary({"algorithm.preset=grpo", "algorithm.kl.coef=0.5"});
  CHECK(compare_runs({rloo, other}).keys == Texts{"algorithm.kl.coef", "algorithm.preset"});
}

TEST_CASE("compare: hostile texts are escaped in every output", "[report]") {
  std::vector<RunSummary> runs = {run_of("0.1", "1", 0.5), run_of("0.1", "1", 0.5)};
  runs[0].settings["data.train"] = "a\x1b[2J\n,\"b\"\xe2\x80\xae\xff";
  runs[0].name = "\x1b\xff";
  runs[1].settings["data.train"] = std::string(200, 'x') + "/the_end.jsonl";
  const Comparison result = compare_runs(runs);
  const std::string table = comparison_table(result);
  CHECK(std::count(table.begin(), table.end(), '\n') == 3);
  CHECK(contains(table, "...xxxxxxxxxxxxxxx/the_end.jsonl"));
  for (const std::string& text : {table, comparison_csv(result), comparison_json(result)}) {
    CHECK_FALSE(contains(text, "\x1b"));
    CHECK_FALSE(contains(text, "\xff"));
  }
  CHECK_FALSE(contains(table, "\xe2\x80\xae"));
  CHECK(contains(comparison_csv(result), R"("a\x1b[2J\x0a,""b""\u{202e}\xff")"));
  CHECK(nlohmann::json::parse(comparison_json(result)).at("groups").size() == 2);
}

TEST_CASE("compare: the table, byte by byte", "[report]") {
  Comparison result = compare_runs({run_of("0.1", "1", 0.5), run_of("0.1", "2", 0.5),
                                    run_of("1.0e-05", "1", 123456.789, "paused")});
  CHECK(
      comparison_table(result) ==
      "learning_rate  runs  eval_reward      sd      best_eval_reward  reward            state\n"
      "1.0e-05        1     123457           -       123458            123456            paused at "
      "10/40\n"
      "0.1            2     0.5000 ± 0.0000  0.0000  1.5000 ± 0.0000   -0.5000 ± 0.0000  done\n");
  CHECK(contains(comparison_csv(result), "\r\n1.0e-05,1,1,123456.789,,,,"));
}

void write_run(const std::string& directory, const std::string& metrics, int64_t steps = 20) {
  std::filesystem::create_directories(directory);
  test::write_file(directory + "/config.yaml",
                   "run: {name: r, seed: 7}\ndata: {train: t.jsonl}\ntrain: {steps: " +
                       std::to_string(steps) + "}\n");
  test::write_file(directory + "/metrics.jsonl", metrics);
}

TEST_CASE("compare: what is taken from a run's folder", "[report]") {
  const test::TempDir folder;
  std::string rows = "{\"phase\":\"eval\",\"step\":0,\"eval_reward\":0.5}\n";
  for (int step = 1; step <= 20; ++step)
    rows += "{\"phase\":\"train\",\"step\":" + std::to_string(step) +
            ",\"reward\":" + std::to_string(step) + "}\n";
  rows += "{\"phase\":\"eval\",\"step\":20,\"eval_reward\":0.25}\n{\"phase\":\"tra";
  write_run(folder / "r", rows);
  const RunSummary run = summarize_run(read_run(folder / "r"));
  CHECK((run.eval_reward == 0.25 && run.best_eval_reward == 0.5));
  CHECK(run.reward == 19.5);  // of steps 19 and 20
  CHECK((run.state == "done" && run.step == 20 && run.steps == 20));
}

TEST_CASE("compare: the state follows from the steps and the exit code", "[report]") {
  const test::TempDir folder;
  const std::string row = "{\"phase\":\"train\",\"step\":3,\"reward\":1}\n";
  const auto state = [&](const std::string& code) {
    write_run(folder / "r", row);
    if (!code.empty()) test::write_file(folder / "r/exit_code", code);
    return summarize_run(read_run(folder / "r")).state;
  };
  CHECK(state("") == "cut");
  CHECK(state("0\n") == "paused");
  CHECK(state("75\n") == "cut");
  CHECK(state("130\n") == "cut");
  CHECK(state("3\n") == "failed");
  CHECK(state("137") == "failed");
  for (const char* bad : {"x", "-1", "256", "0 0", "99999999999999999999999"})
    CHECK_THROWS_AS(state(bad), DataError);
  write_run(folder / "empty", "");
  const RunSummary empty = summarize_run(read_run(folder / "empty"));
  CHECK((empty.state == "cut" && empty.step == 0 && !empty.reward && !empty.eval_reward));
}

}  // namespace
}  // namespace pgtrain
