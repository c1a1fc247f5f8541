#include "config/load.h"

#include "sample_options.h"

namespace pgtrain::test {
namespace {

const std::string kData = "data: {train: t}\n";

TEST_CASE("load: every kind of value", "[config]") {
  const SampleOptions o = load_sample(
      "data:\n  train: data/x.jsonl\n"
      "train: {steps: 1e3, dropout: 0.5, whiten: yes, name: 007, tags: [x, 'y z', 5]}\n"
      "optimizer: {learning_rate: 1e-4, schedule: linear}\n"
      "tokenizer: {kind: byte}\n"
      "reward:\n  - {metric: exact_match, weight: 2}\n  - metric: edit_similarity\n");
  CHECK(o.train_file == "data/x.jsonl");
  CHECK(o.steps == 1000);
  CHECK(o.dropout == 0.5);
  CHECK(o.whiten);
  CHECK(o.name == "007");  // texts are taken as they are written
  CHECK(o.tags == std::vector<std::string>{"x", "y z", "5"});
  CHECK(o.learning_rate == 1e-4);
  CHECK(o.schedule == Schedule::kLinear);
  CHECK(o.tokenizer == "byte");
  REQUIRE(o.reward.size() == 2);
  CHECK((o.reward[0].metric == "exact_match" && o.reward[0].weight == 2));
  CHECK((o.reward[1].metric == "edit_similarity" && o.reward[1].weight == 1));
}

TEST_CASE("load: defaults < files from left to right < overrides", "[config]") {
  ConfigFolder folder;
  Sample sample;
  const auto first =
      folder.write("a.yaml", "data: {train: a}\ntrain: {steps: 1, name: a, tags: [p, q]}\n");
  const auto second = folder.write("b.yaml", "train:\n  steps: 2\n  tags: [r]\noptimizer:\n");
  const Loaded loaded = load(sample.root, {first, second},
                             {"train.steps=3", "train.steps=4", "train={dropout: 0.25}"});
  const SampleOptions& o = sample.options;
  CHECK(o.train_file == "a");
  CHECK(o.steps == 4);
  CHECK(o.name == "a");
  CHECK(o.tags == std::vector<std::string>{"r"});  // lists are replaced
  CHECK(o.dropout == 0.25);
  CHECK(o.learning_rate == 1e-3);
  CHECK(loaded.place_of("data.train") == first.string() + ":1:8");
  CHECK(loaded.place_of("train.tags") == second.string() + ":3:3");
  CHECK(loaded.place_of("train.steps") == "--set train.steps=4");
  CHECK(loaded.place_of("train.dropout") == "--set train={dropout: 0.25}");
  CHECK(loaded.place_of("optimizer.learning_rate") == "default");
  CHECK((loaded.is_set("train.steps") && loaded.is_set("optimizer") && loaded.is_set("train")));
  CHECK_FALSE((loaded.is_set("optimizer.learning_rate") || loaded.is_set("tokenizer") ||
               loaded.is_set("nonsense")));
}

TEST_CASE("load: no files at all, only overrides", "[config]") {
  Sample sample;
  load(sample.root, {}, {"data.train=x", "train.name="});
  CHECK(sample.options.train_file == "x");
  CHECK(sample.options.name.empty());
}

TEST_CASE("load: a key that equals its default still counts as set", "[config]") {
  ConfigFolder folder;
  Sample sample;
  const Loaded loaded =
      load(sample.root, {folder.write("a.yaml", kData + "train: {steps: 200}\n")});
  CHECK(loaded.is_set("train.steps"));
}

TEST_CASE("load: elements of a list have places", "[config]") {
  ConfigFolder folder;
  Sample sample;
  const auto file =
      folder.write("a.yaml", kData + "reward:\n  - metric: exact_match\n    weight: 3\n");
  const Loaded loaded = load(sample.root, {file});
  CHECK(loaded.place_of("reward.0.weight") == file.string() + ":4:5");
  CHECK(loaded.is_set("reward.0"));
}

TEST_CASE("load: anchors and aliases", "[config]") {
  const SampleOptions o = load_sample(kData +
                                      "train: {name: &n hello, tags: [*n, *n]}\n"
                                      "reward: [&r {metric: exact_match, weight: 2}, *r]\n");
  CHECK(o.tags == std::vector<std::string>{"hello", "hello"});
  REQUIRE(o.reward.size() == 2);
  CHECK(o.reward[1].weight == 2);
}

TEST_CASE("load: a byte order mark and CRLF lines are fine", "[config]") {
  CHECK(load_sample("\xef\xbb\xbf"
                    "data: {train: t}\r\ntrain:\r\n  steps: 5\r\n")
            .steps == 5);
}

TEST_CASE("load: tags of the core schema", "[config]") {
  const SampleOptions o = load_sample(kData + "train: {name: !!str 5, steps: !!int 7}\n");
  CHECK(o.name == "5");
  CHECK(o.steps == 7);
}

TEST_CASE("preset: comes before the other keys of its block, whatever their order or source",
          "[config]") {
  const SampleOptions only = load_sample("algorithm: {preset: ppo}\n");
  CHECK((only.preset == "ppo" && only.baseline == "value" && only.kl_coef == 0.05));
  const SampleOptions before =
      load_sample("algorithm: {baseline: none, kl: {coef: 0.5}, preset: ppo}\n");
  CHECK((before.baseline == "none" && before.kl_coef == 0.5));
  const SampleOptions override_preset =
      load_sample("algorithm: {baseline: none}\n", {"algorithm.preset=ppo"});
  CHECK((override_preset.baseline == "none" && override_preset.kl_coef == 0.05));
  const SampleOptions override_key =
      load_sample("algorithm: {preset: ppo}\n", {"algorithm.kl.coef=0"});
  CHECK((override_key.baseline == "value" && override_key.kl_coef == 0));
  CHECK(load_sample("train: {steps: 1}\n").baseline == "leave_one_out");
}

TEST_CASE("preset: what it assigned has the place of the preset", "[config]") {
  ConfigFolder folder;
  Sample sample;
  const auto file = folder.write("a.yaml", kData + "algorithm: {preset: ppo}\n");
  const Loaded loaded = load(sample.root, {file});
  CHECK(loaded.place_of("algorithm.kl.coef") == file.string() + ":2:13");
  CHECK_FALSE(loaded.is_set("algorithm.kl.coef"));
  CHECK(loaded.place_of("algorithm.clip_range") == "default");
}

TEST_CASE("error: an unknown key, its place, the line and a caret", "[config]") {
  CHECK(error_of(kData + "optimizer:\n  learning_rat: 3\n") ==
        "exp.yaml:3:3: error: unknown key 'optimizer.learning_rat'; did you mean "
        "'optimizer.learning_rate'?\n"
        "  learning_rat: 3\n"
        "  ^");
  CHECK(contains(error_of(kData + "learning_rate: 3\n"),
                 "this key exists as 'optimizer.learning_rate'"));
  CHECK(contains(error_of(kData + "trian: {steps: 3}\n"),
                 "unknown key 'trian'; did you mean 'train'?"));
  CHECK(contains(error_of(kData + "train.steps: 3\n"),
                 "unknown key 'train.steps'; write it as nested blocks"));
  CHECK(contains(error_of(kData + "reward: [{wieght: 3}]\n"),
                 "unknown key 'reward.0.wieght'; did you mean 'reward.0.weight'?"));
  CHECK(contains(error_of(kData + "train: {qqqq: 1}\n"), "known keys of 'train' are steps,"));
}

TEST_CASE("error: wrong types", "[config]") {
  CHECK(contains(error_of(kData + "train: {steps: many}\n"),
                 "exp.yaml:2:16: error: 'train.steps' must be an integer, not 'many'"));
  CHECK(contains(error_of(kData + "train: {steps: 1.5}\n"), "not a whole number"));
  CHECK(contains(error_of(kData + "train: {steps: true}\n"), "must be an integer, not 'true'"));
  CHECK(contains(error_of(kData + "train: {steps: '5'}\n"),
                 "must be an integer, not the text '5'; remove the quotes"));
  CHECK(contains(error_of(kData + "optimizer: {learning_rate: \"1e-3\"}\n"),
                 "must be a number, not the text '1e-3'; remove the quotes"));
  CHECK(contains(error_of(kData + "train: {whiten: 'true'}\n"), "remove the quotes"));
  CHECK(contains(error_of(kData + "train: {whiten: 1}\n"),
                 "must be a boolean, not '1': write true or false"));
  CHECK(contains(error_of(kData + "train: {whiten: y}\n"), "must be a boolean"));
  CHECK(contains(error_of(kData + "train: {steps: [5]}\n"), "must be an integer, not a list"));
  CHECK(contains(error_of(kData + "train: {steps: {a: 5}}\n"),
                 "must be an integer, not a block of keys"));
  CHECK(contains(error_of(kData + "train: {name: [a]}\n"), "must be a text, not a list"));
  CHECK(contains(error_of(kData + "train: {name: \"a\\0b\"}\n"), "without NUL characters"));
  CHECK(contains(error_of(kData + "train: {tags: a}\n"),
                 "must be a list of texts, such as [a, b], not 'a'"));
  CHECK(contains(error_of(kData + "train: {tags: [a, [b]]}\n"), "one element is a list"));
  CHECK(contains(error_of(kData + "train: {tags: [a, ~]}\n"), "one element is nothing"));
  CHECK(contains(error_of(kData + "train: {tags: }\n"), "not nothing"));
  CHECK(contains(error_of(kData + "train: 5\n"),
                 "exp.yaml:2:8: error: 'train' is a block of keys, not '5'"));
  CHECK(contains(error_of(kData + "train: [5]\n"), "'train' is a block of keys, not a list"));
  CHECK(contains(error_of(kData + "reward: exact_match\n"), "'reward' must be a list of blocks"));
  CHECK(contains(error_of(kData + "reward: {metric: exact_match}\n"), "not a block of keys"));
  CHECK(contains(error_of(kData + "reward: [exact_match]\n"),
                 "'reward.0' is a block of keys, not 'exact_match'"));
  CHECK(contains(error_of(kData + "reward:\n"),
                 "'reward' must be a list of blocks, such as [{key: value}], not nothing"));
  CHECK(contains(error_of(kData + "train:\n  steps:\n  name: x\n"),
                 "exp.yaml:3:3: error: 'train.steps' must be an integer, not nothing"));
}

TEST_CASE("error: numbers that could be misread", "[config]") {
  CHECK(
      contains(error_of(kData + "train: {steps: 010}\n"), "'010': a leading zero makes it octal"));
  CHECK(contains(error_of(kData + "train: {steps: 0x10}\n"), "only decimal digits"));
  CHECK(contains(error_of(kData + "train: {steps: 1_000}\n"), "underscores"));
  CHECK(contains(error_of(kData + "train: {steps: 99999999999999999999}\n"), "64-bit integer"));
  CHECK(contains(error_of(kData + "optimizer: {learning_rate: .nan}\n"), "must be finite"));
  CHECK(contains(error_of(kData + "optimizer: {learning_rate: .inf}\n"), "must be finite"));
  CHECK(contains(error_of(kData + "optimizer: {learning_rate: 1e999}\n"), "does not fit"));
}

TEST_CASE("error: out of range says what is allowed and what was given", "[config]") {
  CHECK(
      contains(error_of(kData + "train: {steps: 0}\n"), "'train.steps' must be at least 1, not 0"));
  CHECK(contains(error_of(kData + "train: {dropout: 1}\n"),
                 "'train.dropout' must be at least 0 and below 1, not 1.0"));
  CHECK(
      contains(error_of(kData + "optimizer: {learning_rate: 0}\n"), "must be above 0.0, not 0.0"));
}

TEST_CASE("error: a bad choice lists all and the nearest", "[config]") {
  CHECK(contains(
      error_of(kData + "tokenizer: {kind: wrd}\n"),
      "'tokenizer.kind' must be one of char, byte, word, not 'wrd'; did you mean 'word'?"));
  CHECK(contains(error_of(kData + "optimizer: {schedule: cosine}\n"),
                 "must be one of constant, linear, not 'cosine'"));
  CHECK(contains(error_of(kData + "algorithm: {preset: grpo}\n"),
                 "must be one of rloo, ppo, not 'grpo'"));
  CHECK(contains(error_of(kData + "reward: [{metric: bleu}]\n"),
                 "'reward.0.metric' must be one of edit_similarity, exact_match"));
}

TEST_CASE("error: a missing required key", "[config]") {
  CHECK(error_of("train: {steps: 1}\n") ==
        "exp.yaml: error: missing required key 'data.train': records to train on");
  CHECK(contains(error_of("train: {steps: 1}\ndata: {}\n"),
                 "exp.yaml:2:1: error: missing required key 'data.train'"));
  CHECK(contains(error_of("data: {train: }\n"), "'data.train' must be a text, not nothing"));
  Sample sample;
  CHECK(contains(message_of<ConfigError>([&] { load(sample.root, {}); }),
                 "command line: error: missing required key 'data.train'"));
}

TEST_CASE("error: all problems of all sources at once, in order", "[config]") {
  ConfigFolder folder;
  Sample sample;
  const auto a =
      folder.write("a.yaml", "train: {stepz: 1, name: [1]}\noptimizer: {learning_rate: -1}\n");
  const auto b = folder.write("b.yaml", "tokenizer: {kind: x}\ntokenizer: {}\n");
  const std::string message = message_of<ConfigError>([&] {
    load(sample.root, {a, b}, {"train.whiten=2"});
  });
  std::vector<std::string> parts = {"a.yaml:1:9: error: unknown key 'train.stepz'",
                                    "a.yaml:1:25: error: 'train.name'",
                                    "a.yaml:2:28: error: 'optimizer.learning_rate'",
                                    "missing required key 'data.train'",
                                    "b.yaml:1:19: error: 'tokenizer.kind'",
                                    "b.yaml:2:1: error: duplicate key 'tokenizer'",
                                    "--set train.whiten=2: error:"};
  size_t last = 0;
  for (const std::string& part : parts) {
    INFO(part << " in\n" << message);
    const size_t at = message.find(part);
    REQUIRE(at != std::string::npos);
    if (part.find("missing") == std::string::npos) {
      CHECK(at >= last);
      last = at;
    }
  }
}

TEST_CASE("error: exit code 2", "[config]") {
  Sample sample;
  try {
    load(sample.root, {});
    FAIL("no error");
  } catch (const ConfigError& e) {
    CHECK(e.exit_code() == kExitConfig);
  }
}

TEST_CASE("validate: problems of several keys get the place that set the key", "[config]") {
  ConfigFolder folder;
  Sample sample;
  const auto file = folder.write("a.yaml", kData + "train:\n  steps: 3\n");
  const std::string message = message_of<ConfigError>([&] {
    load(sample.root, {file}, {"train.name=x"}, [&](Problems& problems) {
      CHECK(sample.options.steps == 3);
      problems.add("train.steps", "must be even");
      problems.add("train.name", "is taken");
      problems.add("train.dropout", "must not be 0");
    });
  });
  CHECK(contains(message, "a.yaml:3:3: error: train.steps: must be even\n  steps: 3\n  ^\n"));
  CHECK(contains(message, "--set train.name=x: error: train.name: is taken\n"));
  CHECK(contains(message, "default: error: train.dropout: must not be 0"));
}

TEST_CASE("validate: runs beside other problems, but not on keys that could not be read",
          "[config]") {
  ConfigFolder folder;
  Sample sample;
  const auto file = folder.write("a.yaml", kData + "train: {steps: x, name: y}\n");
  const std::string message = message_of<ConfigError>([&] {
    load(sample.root, {file}, {}, [](Problems& problems) {
      problems.add("train.steps", "must be even");
      problems.add("train.name", "is taken");
    });
  });
  CHECK(contains(message, "'train.steps' must be an integer"));
  CHECK_FALSE(contains(message, "must be even"));
  CHECK(contains(message, "is taken"));
}

TEST_CASE("validate: does not run when a source could not be read", "[config]") {
  ConfigFolder folder;
  Sample sample;
  bool called = false;
  const auto file = folder.write("a.yaml", "train: {steps: x}\n");
  const std::string message = message_of<ConfigError>([&] {
    load(sample.root, {file, folder.path("none.yaml")}, {}, [&](Problems&) { called = true; });
  });
  CHECK_FALSE(called);
  CHECK(contains(message, "none.yaml: error: cannot open: No such file"));
  CHECK(contains(message, "'train.steps' must be an integer"));
  CHECK_FALSE(contains(message, "missing required"));  // the unread file may have it
}

}  // namespace
}  // namespace pgtrain::test
