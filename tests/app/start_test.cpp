// What a new user meets first: init, validate, completion, manual, chat.
#include "experiment.h"

using namespace pgtrain::test;

namespace {

// What bash offers for the words, the last of which is being typed.
std::string completed(const std::string& script, const std::vector<std::string>& words) {
  std::string program = "source '" + script + "'\nCOMP_WORDS=(";
  for (const std::string& word : words) program += " '" + word + "'";
  program +=
      ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\ncompopt() { :; }\n_pgtrain\necho "
      "\"${COMPREPLY[*]}\"\n";
  ProcessOptions options;
  options.program = "/bin/bash";
  const ProcessResult result = run_pgtrain({"-c", program}, options);
  CHECK(result.err.empty());
  return result.out.substr(0, result.out.find('\n'));
}

}  // namespace

TEST_CASE("init writes an experiment that runs where it is, and replaces nothing") {
  TempDir folder;
  ProcessOptions options;
  options.directory = folder.path().string();
  const ProcessResult made = run_pgtrain({"init", "--directory", "first"}, options);
  INFO(made.err);
  REQUIRE(made.code == 0);
  CHECK(contains(made.out, "cd first && pgtrain validate --config starter.yaml"));
  const auto before = listing(folder / "first");
  CHECK(before.count("./starter.yaml") == 1);
  CHECK(before.count("data/number_words/train.jsonl") == 1);
  CHECK_NOTHROW(nlohmann::json::parse(before.at("./pgtrain.schema.json")));

  options.directory = folder / "first";
  const ProcessResult train = run_pgtrain(
      {"train", "-c", "starter.yaml", "-s", "warmup.steps=1", "-s", "train.steps=1"}, options);
  INFO(train.err);
  CHECK(train.code == 0);

  // Again: the same files. With changes of the user's: refused, and nothing else is written.
  CHECK(run_pgtrain({"init"}, options).code == 0);
  write_file(folder / "first/starter.yaml", "mine");
  std::filesystem::remove(folder / "first/pgtrain.schema.json");
  const ProcessResult again = run_pgtrain({"init"}, options);
  CHECK(again.code == 2);
  CHECK(contains(again.err, "starter.yaml: exists already"));
  CHECK(read_file(folder / "first/starter.yaml") == "mine");
  CHECK_FALSE(std::filesystem::exists(folder / "first/pgtrain.schema.json"));
}

TEST_CASE("init knows every recipe by its name") {
  const ProcessResult list = run_pgtrain({"init", "--list"});
  REQUIRE(list.code == 0);
  CHECK(contains(list.out, "quickstart "));
  CHECK(contains(list.out, "GRPO (Shao et al. 2024)"));
  TempDir folder;
  size_t count = 0;
  for (size_t at = 0; at < list.out.size(); at = list.out.find('\n', at) + 1, ++count) {
    const std::string name = list.out.substr(at, list.out.find(' ', at) - at);
    const std::string directory = folder / std::to_string(count);
    INFO(name);
    CHECK(run_pgtrain({"init", name, "-d", directory}).code == 0);
    ProcessOptions options;
    options.directory = directory;
    const std::string file = std::filesystem::path(name).filename().string() + ".yaml";
    const ProcessResult valid = run_pgtrain({"validate", "--quick", "-c", file}, options);
    INFO(valid.err);
    if (name != "lora")  // the model is the user's
      CHECK(valid.code == 0);
  }
  CHECK(count >= 15);
  const ProcessResult wrong = run_pgtrain({"init", "quickstrat"});
  CHECK(wrong.code == 2);
  CHECK(contains(wrong.err, "did you mean 'quickstart'?"));
}

TEST_CASE("validate tells steps, memory and time, and leaves nothing") {
  const Experiment experiment;
  const auto before = listing(experiment.path());
  const ProcessResult result = experiment.run({"validate", "-c", "tiny.yaml"});
  INFO(result.out << result.err);
  CHECK(result.code == 0);
  CHECK(contains(result.out, "training records"));
  CHECK(contains(result.out, "memory on"));
  CHECK(contains(result.out, "  steps "));
  CHECK(contains(result.out, "in all"));
  CHECK(result.err.empty());
  CHECK(listing(experiment.path()) == before);
  const ProcessResult quick = experiment.run({"validate", "-c", "tiny.yaml", "--quick"});
  CHECK(quick.code == 0);
  CHECK_FALSE(contains(quick.out, "time on"));
}

TEST_CASE("bash completes commands, flags, keys and their values") {
  TempDir folder;
  const std::string script = folder / "completion";
  write_file(script, run_pgtrain({"completion", "bash"}).out);
  CHECK(completed(script, {"pgtrain", "trai"}) == "train");
  CHECK(contains(completed(script, {"pgtrain", ""}), "init validate train"));
  CHECK(completed(script, {"pgtrain", "train", "--s"}) == "--set");
  CHECK(completed(script, {"pgtrain", "train", "--set", "algorithm.base"}) ==
        "algorithm.baseline=");
  CHECK(completed(script, {"pgtrain", "train", "--set", "algorithm.preset", "=", "rl"}) == "rloo");
  CHECK(
      contains(completed(script, {"pgtrain", "train", "--set", "algorithm.preset", "="}), "grpo"));
  CHECK(completed(script, {"pgtrain", "config", "expl"}) == "explain");
  CHECK(completed(script, {"pgtrain", "config", "explain", "train.st"}) == "train.steps");
  CHECK(completed(script, {"pgtrain", "sample", "--which", ""}) == "best latest");
  CHECK(completed(script, {"pgtrain", "completion", "f"}) == "fish");
  CHECK(contains(completed(script, {"pgtrain", "score", "-m", "chrf"}), "chrf++"));
}

TEST_CASE("the scripts of the other shells and the manual name every command") {
  const std::string zsh = run_pgtrain({"completion", "zsh"}).out;
  const std::string fish = run_pgtrain({"completion", "fish"}).out;
  const std::string manual = run_pgtrain({"manual"}).out;
  CHECK(manual.rfind(".TH PGTRAIN 1", 0) == 0);
  for (const std::string name : {"train", "sample", "chat", "init", "validate", "doctor"}) {
    CHECK(contains(zsh, "'" + name + ":"));
    CHECK(contains(fish, "-a '" + name + "'"));
    CHECK(contains(manual, ".SS " + name + "\n"));
  }
  CHECK(contains(fish, "algorithm.preset=grpo"));
  CHECK(contains(manual, "\\fBoptimizer.learning_rate\\fR"));
  CHECK(run_pgtrain({"completion", "tcsh"}).code == 2);
}

TEST_CASE("chat answers line by line") {
  const Experiment experiment;
  REQUIRE(experiment.train().code == 0);
  ProcessOptions options = experiment.options();
  options.input = "a\n/etc\n/reset\n\nb\n/quit\nc\n";
  const ProcessResult result =
      run_pgtrain({"chat", "--checkpoint", "run", "--max-new-tokens", "4"}, options);
  INFO(result.out << result.err);
  CHECK(result.code == 0);
  CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 3);
  CHECK(result.err.empty());
  // The same seed gives the same answers.
  CHECK(run_pgtrain({"chat", "--checkpoint", "run", "--max-new-tokens", "4"}, options).out ==
        result.out);
  options.input = "\xff\n";
  const ProcessResult bad = run_pgtrain({"chat", "--checkpoint", "run"}, options);
  CHECK(bad.code == 4);
  CHECK(contains(bad.err, "line 1: byte 0 is not valid UTF-8"));
  CHECK(run_pgtrain({"chat", "--checkpoint", "run", "--system", "x"}, options).code == 2);
}
