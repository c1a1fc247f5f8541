// sample and eval on one small trained run.
#include "experiment.h"

using namespace pgtrain::test;
using nlohmann::json;

namespace {

std::vector<std::string> sample_arguments(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"sample", "--checkpoint", "run", "--max-new-tokens", "20"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

// Trained once; no test changes it.
const Experiment& trained() {
  static const Experiment experiment;
  static const ProcessResult result = experiment.train();
  if (result.code != 0) throw std::runtime_error("the run for the tests failed: " + result.err);
  return experiment;
}

std::string sample(const std::vector<std::string>& more) {
  const ProcessResult result = trained().run(sample_arguments(more));
  if (result.code != 0) throw std::runtime_error("sample failed: " + result.err);
  return result.out;
}

}  // namespace

TEST_CASE("sample prints a line a completion, as text or as JSON") {
  const std::string text = sample({"--prompt", "n 1", "--prompt", "n 2", "--count", "3"});
  CHECK(std::count(text.begin(), text.end(), '\n') == 6);
  const auto lines =
      json_lines(sample({"--prompt", "n 1", "--prompt", "n 2", "--count", "3", "--json"}));
  REQUIRE(lines.size() == 6);
  std::string joined;
  for (const json& line : lines) {
    joined += line.at("completion").get<std::string>() + "\n";
    CHECK(line.at("tokens").get<int>() <= 20);
    CHECK(line.at("log_prob").get<double>() < 0);
    CHECK(line.at("finished").is_boolean());
  }
  CHECK(joined == text);
  CHECK(lines[2].at("prompt") == "n 1");
  CHECK(lines[3].at("prompt") == "n 2");
}

TEST_CASE("samples depend on the seed and on nothing else") {
  const std::string one = sample({"--count", "4", "--seed", "1"});
  CHECK(sample({"--count", "4", "--seed", "1", "--threads", "1"}) == one);
  CHECK(sample({"--count", "4", "--seed", "1", "--threads", "3"}) == one);
  CHECK(sample({"--count", "4", "--seed", "2"}) != one);
}

TEST_CASE("greedy decoding is what temperature 0, the best token and a tiny nucleus give") {
  const std::string greedy = sample({"--prompt", "n 3", "--greedy"});
  CHECK(sample({"--prompt", "n 3", "--greedy", "--seed", "9"}) == greedy);
  CHECK(sample({"--prompt", "n 3", "--temperature", "0"}) == greedy);
  CHECK(sample({"--prompt", "n 3", "--top-k", "1"}) == greedy);
  CHECK(sample({"--prompt", "n 3", "--top-p", "1e-9"}) == greedy);
}

TEST_CASE("a run, the link to a checkpoint and the checkpoint itself can all be named") {
  const std::string name = "run/checkpoints/" + trained().link("latest");
  const ProcessResult by_run =
      trained().run({"sample", "--checkpoint", "run", "--which", "latest"});
  REQUIRE(by_run.code == 0);
  for (const std::string& path : {name, name + "/", std::string("run/checkpoints/latest")})
    CHECK(trained().run({"sample", "--checkpoint", path}).out == by_run.out);
}

TEST_CASE("no n-gram comes twice when that is forbidden") {
  const auto lines = json_lines(sample({"--count", "8", "--no-repeat-ngram", "1", "--json",
                                        "--repetition-penalty", "1.3", "--prompt", ""}));
  for (const json& line : lines) {
    std::string text = line.at("completion");
    std::sort(text.begin(), text.end());
    CHECK(std::adjacent_find(text.begin(), text.end()) == text.end());
  }
}

TEST_CASE("prompts come from arguments, a file and standard input alike") {
  write_file(trained() / "prompts.txt", "n 1\r\nn 2");
  const std::string expected = sample({"--prompt", "n 1", "--prompt", "n 2", "--json"});
  CHECK(sample({"--prompts", "prompts.txt", "--json"}) == expected);
  write_file(trained() / "empty.txt", "");
  CHECK(sample({"--prompts", "empty.txt"}).empty());
  ProcessOptions options = trained().options();
  options.input = "n 1\nn 2\n";
  const ProcessResult piped = run_pgtrain(sample_arguments({"--prompts", "-", "--json"}), options);
  CHECK(piped.code == 0);
  CHECK(piped.out == expected);
}

TEST_CASE("sample refuses prompts and checkpoints that it cannot read") {
  struct Case {
    std::vector<std::string> arguments;
    std::vector<std::string> parts;  // of the message
  };
  const std::vector<Case> cases = {
      {{"sample", "--checkpoint", "run", "--prompt", "ab\xff"}, {"prompt 1", "byte 2", "UTF-8"}},
      {{"sample", "--checkpoint", "run", "--prompts", "none.txt"}, {"none.txt", "cannot open"}},
      {{"sample", "--checkpoint", "run", "--prompts", "."}, {".", "folder"}},
      {{"sample", "--checkpoint", "run", "--prompts", "bad.txt"}, {"bad.txt:2", "byte 1", "UTF-8"}},
      {{"sample", "--checkpoint", "none"}, {"none", "config.json", "checkpoints"}},
      {{"sample", "--checkpoint", ""}, {"config.json"}},
      {{"sample", "--checkpoint", "run/checkpoints/step-000777"}, {"step-000777"}},
      {{"eval", "--checkpoint", "tiny.yaml"}, {"tiny.yaml"}},
  };
  write_file(trained() / "bad.txt", "a\nb\xff\n");
  for (const Case& c : cases) {
    const ProcessResult result = trained().run(c.arguments);
    INFO(c.arguments.back() << "\n" << result.err);
    CHECK(result.code == 4);
    CHECK(result.out.empty());
    for (const std::string& part : c.parts) CHECK(contains(result.err, part));
  }
}

TEST_CASE("a checkpoint with one changed byte is refused with the file's name") {
  const Experiment experiment;
  REQUIRE(experiment.train({"train.steps=2"}).code == 0);
  for (const char* file : {"model.safetensors", "tokenizer.json", "manifest.json"}) {
    const std::string path = experiment / ("run/checkpoints/latest/" + std::string(file));
    const std::string before = read_file(path);
    flip_byte(path);
    const ProcessResult result =
        experiment.run({"sample", "--checkpoint", "run", "--which", "latest"});
    INFO(file << "\n" << result.err);
    CHECK(result.code == 4);
    CHECK(contains(result.err, file));
    write_file(path, before);
  }
}

TEST_CASE("eval gives the score that training logged, as a table and as JSON") {
  const ProcessResult line = trained().run(
      {"eval", "--checkpoint", "run", "--which", "latest", "--json", "--output", "o"});
  INFO(line.err);
  REQUIRE(line.code == 0);
  const json row = json::parse(line.out);
  const json logged = json_lines(trained().metrics()).back();
  CHECK(row.at("records") == 4);
  CHECK(row.at("data") == "eval.jsonl");
  for (const auto& [key, value] : logged.items())
    if (key.rfind("eval_", 0) == 0) {
      INFO(key);
      CHECK(row.at(key) == value);
    }
  const auto records = json_lines(read_file(trained() / "o"));
  REQUIRE(records.size() == 4);
  CHECK(records[1].at("target") == "bb");
  double sum = 0;
  for (const json& record : records) sum += record.at("reward").get<double>();
  CHECK(close(sum / 4, row.at("eval_reward")));

  const ProcessResult table = trained().run({"eval", "--checkpoint", "run"});
  CHECK(table.code == 0);
  CHECK(contains(table.out, "eval_reward "));
  CHECK(contains(table.out, "records "));
}

TEST_CASE("eval of a run with optimizer.ema_decay scores the averaged weights, as the run did") {
  const Experiment experiment;
  REQUIRE(experiment.train({"optimizer.ema_decay=0.9"}).code == 0);
  const std::vector<std::string> arguments = {"eval",    "--checkpoint", "run",
                                              "--which", "latest",       "--json"};
  const ProcessResult result = experiment.run(arguments);
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(json::parse(result.out).at("eval_reward") ==
        json_lines(experiment.metrics()).back().at("eval_reward"));
  const auto log_prob = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--which", "latest", "--json", "--prompt", "n 1"});
    return json::parse(experiment.run(sample_arguments(more)).out).at("log_prob").get<double>();
  };
  CHECK(log_prob({}) != log_prob({"--trained"}));
}

TEST_CASE("eval scores other data with another reward when asked to") {
  const std::vector<std::string> arguments = {"eval",
                                              "--checkpoint",
                                              "run",
                                              "--set",
                                              "data.eval=train.jsonl",
                                              "--set",
                                              "reward=[{metric: exact_match}]",
                                              "--json"};
  const ProcessResult result = trained().run(arguments);
  INFO(result.err);
  REQUIRE(result.code == 0);
  const json row = json::parse(result.out);
  CHECK(row.at("records") == 12);
  CHECK(row.contains("eval_rewards/exact_match/mean"));
  const ProcessResult missing =
      trained().run({"eval", "--checkpoint", "run", "--set", "data.eval=none.jsonl"});
  CHECK(missing.code == 4);
  CHECK(contains(missing.err, "none.jsonl"));
  const ProcessResult wrong = trained().run({"eval", "--checkpoint", "run", "--set", "eval=x"});
  CHECK(wrong.code == 2);
}

TEST_CASE("eval refuses settings that have no effect and an output that it would replace") {
  const ProcessResult setting =
      trained().run({"eval", "--checkpoint", "run", "--set", "model.hidden_size=32"});
  CHECK(setting.code == 2);
  CHECK(contains(setting.err, "model.hidden_size=32: has no effect"));
  const ProcessResult folder = trained().run({"eval", "--checkpoint", "run", "--output", "run"});
  CHECK(folder.code == 2);
  CHECK(contains(folder.err, "--output run: is not a plain file"));
}
