// Flags, help, the config commands and doctor.
#include "experiment.h"

using namespace pgtrain::test;
using nlohmann::json;

namespace {

// Every object schema that lists properties must refuse others. Returns how many there are.
int count_closed_objects(const json& schema, bool& all_closed) {
  int count = 0;
  if (schema.is_object() && schema.contains("properties")) {
    ++count;
    if (schema.value("additionalProperties", true)) all_closed = false;
  }
  if (schema.is_structured())
    for (const auto& item : schema.items()) count += count_closed_objects(item.value(), all_closed);
  return count;
}

}  // namespace

TEST_CASE("every command has a help text and exits with 0") {
  const std::vector<std::vector<std::string>> commands = {
      {},         {"train"},          {"sample"},           {"eval"},
      {"config"}, {"config", "show"}, {"config", "schema"}, {"doctor"},
      {"bench"},  {"init"},           {"validate"},         {"chat"},
      {"manual"}, {"completion"}};
  for (std::vector<std::string> command : commands) {
    command.emplace_back("--help");
    const ProcessResult result = run_pgtrain(command);
    INFO(command[0] << "\n" << result.out << result.err);
    CHECK(result.code == 0);
    CHECK(contains(result.out, "Usage"));
    CHECK(result.err.empty());
  }
  const ProcessResult version = run_pgtrain({"--version"});
  CHECK(version.code == 0);
  CHECK(version.out.rfind("pgtrain ", 0) == 0);
}

TEST_CASE("wrong flags exit with 2 and say what is wrong on standard error") {
  struct Case {
    std::vector<std::string> arguments;
    std::string message;
  };
  const std::vector<Case> cases = {
      {{}, "subcommand"},
      {{"trian"}, "trian"},
      {{"--nope"}, "--nope"},
      {{"train"}, "--config"},
      {{"doctor", "--nope"}, "--nope"},
      {{"doctor", "extra"}, "extra"},
      {{"config"}, "subcommand"},
      {{"config", "shwo"}, "shwo"},
      {{"sample"}, "--checkpoint"},
      {{"sample", "--checkpoint", "x", "--which", "worst"}, "worst"},
      {{"sample", "--checkpoint", "x", "--count", "0"}, "--count"},
      {{"sample", "--checkpoint", "x", "--max-new-tokens", "99999999999999999999"},
       "--max-new-tokens"},
      {{"sample", "--checkpoint", "x", "--temperature", "nan"}, "--temperature"},
      {{"sample", "--checkpoint", "x", "--top-p", "0"}, "--top-p"},
      {{"sample", "--checkpoint", "x", "--temperature", "1e-300"}, "0 or 0.001 to 1000"},
      {{"sample", "--checkpoint", "x", "--seed", "18446744073709551616"}, "--seed"},
      {{"sample", "--checkpoint", "x", "--seed", "-1"}, "--seed"},
      {{"--log-level", "loud", "doctor"}, "loud"},
  };
  for (const Case& c : cases) {
    const ProcessResult result = run_pgtrain(c.arguments);
    INFO((c.arguments.empty() ? "" : c.arguments.back()) << "\n" << result.out << result.err);
    CHECK(result.code == 2);
    CHECK(contains(result.err, c.message));
    CHECK(result.out.empty());
  }
}

TEST_CASE("config show prints what config show reads back to the same text") {
  const Experiment experiment;
  const ProcessResult shown =
      experiment.run({"config", "show", "-c", "tiny.yaml", "-s", "train.steps=99"});
  REQUIRE(shown.code == 0);
  CHECK(contains(shown.out, "steps: 99"));
  write_file(experiment / "shown.yaml", shown.out);
  const ProcessResult again = experiment.run({"config", "show", "-c", "shown.yaml"});
  CHECK(again.code == 0);
  CHECK(again.out == shown.out);
  const ProcessResult changed =
      experiment.run({"config", "show", "--changed", "-c", "tiny.yaml", "-c", "shown.yaml"});
  CHECK(changed.code == 0);
  CHECK(changed.out.size() < shown.out.size());
  CHECK(contains(changed.out, "steps: 99"));
  CHECK_FALSE(contains(changed.out, "max_nonfinite_steps"));
}

TEST_CASE("validate checks the data too and writes nothing") {
  const Experiment experiment;
  const auto before = listing(experiment.path());
  const ProcessResult result = experiment.run({"validate", "-c", "tiny.yaml"});
  CHECK(result.code == 0);
  CHECK(contains(result.out, "valid"));
  CHECK(contains(result.out, "12 training records, 4 evaluation records, vocabulary 20"));
  const ProcessResult missing =
      experiment.run({"validate", "-c", "tiny.yaml", "-s", "data.eval=none.jsonl"});
  CHECK(missing.code == 4);
  CHECK(contains(missing.err, "none.jsonl: cannot open"));
  CHECK(listing(experiment.path()) == before);
}

TEST_CASE("config explain describes one key or all, and corrects a wrong one") {
  const ProcessResult one = run_pgtrain({"config", "explain", "algorithm.baseline"});
  CHECK(one.code == 0);
  CHECK(contains(one.out, "leave_one_out"));
  const ProcessResult all = run_pgtrain({"config", "explain"});
  CHECK(all.code == 0);
  for (const char* key : {"run.seed", "rollout.temperature", "checkpoint.keep_last", "reward"})
    CHECK(contains(all.out, key));
  const ProcessResult wrong = run_pgtrain({"config", "explain", "algorithm.basline"});
  CHECK(wrong.code == 2);
  CHECK(contains(wrong.err, "algorithm.baseline"));
}

TEST_CASE("config schema is a JSON Schema that refuses unknown keys everywhere") {
  const ProcessResult result = run_pgtrain({"config", "schema"});
  REQUIRE(result.code == 0);
  const json schema = json::parse(result.out);
  CHECK(contains(schema.at("$schema"), "json-schema.org"));
  bool all_closed = true;
  CHECK(count_closed_objects(schema, all_closed) >= 14);  // the root, 12 sections, a reward part
  CHECK(all_closed);
  CHECK(schema["properties"]["train"]["properties"]["steps"]["minimum"] == 0);
}

TEST_CASE("doctor reports the machine as a table and as JSON") {
  const ProcessResult table = run_pgtrain({"doctor"});
  INFO(table.out << table.err);
  CHECK(contains(table.out, "libtorch"));
  const ProcessResult line = run_pgtrain({"doctor", "--json"});
  const json facts = json::parse(line.out);
  CHECK(facts.at("matmul_gflops_per_core").get<double>() > 0);
  CHECK(line.code == (facts.at("problem").get<std::string>().empty() ? 0 : 1));
}

TEST_CASE("output that cannot be written is a disk error, not a crash or a success") {
  ProcessOptions options;
  options.output = "/dev/full";
  const ProcessResult result = run_pgtrain({"config", "schema"}, options);
  CHECK(result.signal == 0);
  CHECK(result.code == 5);
  CHECK(contains(result.err, "standard output"));
}
