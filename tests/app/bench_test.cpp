// pgtrain bench: what it reports, and that it leaves nothing behind.
#include <cmath>
#include <csignal>

#include "experiment.h"

using namespace pgtrain::test;
using nlohmann::json;

namespace {

// In the experiment's folder, temporary files in its folder "temporary".
ProcessResult bench(const Experiment& experiment, const std::vector<std::string>& arguments) {
  std::filesystem::create_directories(experiment / "temporary");
  ProcessOptions options = experiment.options();
  options.environment = {{"TMPDIR", experiment / "temporary"}};
  std::vector<std::string> all = {"bench", "--config", "tiny.yaml"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_pgtrain(all, options);
}

void check_part(const json& facts, const char* name, bool has_products) {
  INFO(name << " in " << facts);
  const json& part = facts.at("parts").at(name);
  CHECK(part.at("seconds").get<double>() >= 0);
  CHECK(part.at("tokens_per_second").get<double>() > 0);
  CHECK(part.contains("gflop") == has_products);
  if (!has_products) return;
  CHECK(part.at("gflop").get<double>() > 0);
  CHECK(part.at("percent_of_peak").get<double>() ==
        Approx(100 * part.at("gflop_per_second").get<double>() /
               facts.at("peak_gflop_per_second").get<double>()));
}

}  // namespace

TEST_CASE("bench reports the parts of a step and leaves nothing behind") {
  const Experiment experiment;
  std::filesystem::create_directories(experiment / "temporary");
  const auto before = listing(experiment.path());
  const ProcessResult result = bench(experiment, {"--steps", "2", "--json"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(listing(experiment.path()) == before);

  CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 1);
  const json facts = json::parse(result.out);
  CHECK(facts.at("experiment") == "tiny");
  CHECK(facts.at("model") == "gru");
  CHECK(facts.at("threads") == 2);
  CHECK(facts.at("steps") == 2);
  CHECK(facts.at("vocab_size") == 20);
  // 20 x 8, 3 x 16 x (8 + 16 + 2), 20 x (16 + 1)
  CHECK(facts.at("parameters") == 160 + 1248 + 340);
  CHECK(facts.at("trained_parameters") == facts.at("parameters"));
  for (const char* name : {"tokens_per_step", "peak_gflop_per_second", "read_gb_per_second",
                           "startup_seconds", "peak_memory_mb"}) {
    INFO(name << " in " << facts);
    CHECK(facts.at(name).get<double>() > 0);
  }
  for (const char* name : {"pgtrain", "row_kernels", "blas"})
    CHECK_FALSE(facts.at(name).get<std::string>().empty());
  for (const char* name : {"decode", "gradient", "update", "step"}) check_part(facts, name, true);
  // Nothing is compared with a reference.
  for (const char* name : {"score", "collect", "advantages", "optimizer"})
    check_part(facts, name, false);
}

TEST_CASE("bench counts the operations of completions of a known length") {
  // An end token after one of 10,000 ids is unlikely, so each of 4 x 2 completions has 2 tokens.
  const Experiment experiment;
  const ProcessResult result =
      bench(experiment,
            {"--steps", "1", "--json", "--set", "rollout.max_new_tokens=2", "--set",
             "train.overlong=drop", "--set", "model.vocab_size=10000", "--set", "data.eval="});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const json facts = json::parse(result.out);
  REQUIRE(facts.at("tokens_per_step") == 16);
  // Decoding reads each prompt once and one token of each completion and predicts 16 tokens; so
  // does the update, whose micro-batches hold the two samples of a prompt.
  constexpr double kRead = 2 * 3 * 16 * (8 + 16);
  constexpr double kPredicted = 16 * 2.0 * 16 * 10000;
  const double decode = 1e9 * facts["parts"]["decode"]["gflop"].get<double>();
  const double update = 1e9 * facts["parts"]["update"]["gflop"].get<double>();
  const double prompt_tokens = (decode - kPredicted) / kRead - 8;
  CHECK(prompt_tokens >= 4);
  CHECK(prompt_tokens == Approx(std::round(prompt_tokens)));
  CHECK(update == Approx(3 * decode));
}

TEST_CASE("bench counts the reference's pass: a third of the update's") {
  const Experiment experiment;
  use_llama(experiment);
  const ProcessResult result =
      bench(experiment, {"--steps", "1", "--json", "--set", "algorithm.kl.coef=0.1"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const json facts = json::parse(result.out);
  check_part(facts, "advantages", true);
  CHECK(facts["parts"]["update"]["gflop"].get<double>() ==
        Approx(3 * facts["parts"]["advantages"]["gflop"].get<double>()));
}

TEST_CASE("bench prints a table for people") {
  const Experiment experiment;
  const ProcessResult result = bench(experiment, {"--steps", "1"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  for (const char* text : {"% of peak", "decode", "optimizer", "peak_memory_mb", "blas"})
    CHECK(contains(result.out, text));
}

TEST_CASE("bench refuses wrong flags and experiments as train does, and leaves nothing behind") {
  const Experiment experiment;
  std::filesystem::create_directories(experiment / "temporary");
  const auto before = listing(experiment.path());
  struct Case {
    std::vector<std::string> arguments;
    int code;
    std::string message;
  };
  const std::vector<Case> cases = {
      {{"--steps", "0"}, 2, "--steps"},
      {{"--steps", "many"}, 2, "--steps"},
      {{"--nope"}, 2, "--nope"},
      {{"--set", "train.stepz=3"}, 2, "train.stepz"},
      {{"--set", "data.train=none.jsonl"}, 4, "none.jsonl"},
      {{"--set", "rollout.max_new_tokens=1"}, 4, "max_new_tokens"},
      {{"--config", "none.yaml"}, 2, "none.yaml"},
  };
  for (const Case& c : cases) {
    const ProcessResult result = bench(experiment, c.arguments);
    INFO(c.message << "\n" << result.out << result.err);
    CHECK(result.code == c.code);
    CHECK(contains(result.err, c.message));
    CHECK(result.out.empty());
    CHECK(listing(experiment.path()) == before);
  }
  CHECK(run_pgtrain({"bench"}, experiment.options()).code == 2);

  ProcessOptions options = experiment.options();
  options.environment = {{"TMPDIR", experiment / "no such folder"}};
  const ProcessResult nowhere = run_pgtrain({"bench", "--config", "tiny.yaml"}, options);
  CHECK(nowhere.code == 5);
  CHECK(contains(nowhere.err, "TMPDIR"));
}

TEST_CASE("a signal ends bench, and its folder is removed") {
  const Experiment experiment;
  const std::string temporary = experiment / "temporary";
  std::filesystem::create_directories(temporary);
  ProcessOptions options = experiment.options();
  options.environment = {{"TMPDIR", temporary}};
  Process process({"bench", "--config", "tiny.yaml", "--steps", "1000000"}, options);
  REQUIRE(process.wait_until([&] {
    for (const auto& folder : std::filesystem::directory_iterator(temporary)) {
      std::error_code missing;
      const auto size = std::filesystem::file_size(folder.path() / "run/timing.jsonl", missing);
      if (!missing && size > 0) return true;  // it is at work
    }
    return false;
  }));
  process.send(SIGTERM);
  const ProcessResult result = process.wait();
  CHECK(result.code == 75);
  CHECK(result.out.empty());
  CHECK(listing(temporary).empty());
}
