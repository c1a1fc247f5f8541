#include "config/override.h"

#include "sample_options.h"

namespace pgtrain::test {
namespace {

TEST_CASE("override: the value is YAML", "[config]") {
  const SampleOptions o =
      load_sample("{}", {"train.steps=5", " train.name = 'a = b' ", "train.tags=[x, y]",
                         "train.whiten=on", "optimizer={learning_rate: 0.5, schedule: linear}"});
  CHECK(o.steps == 5);
  CHECK(o.name == "a = b");
  CHECK(o.tags == std::vector<std::string>{"x", "y"});
  CHECK(o.whiten);
  CHECK((o.learning_rate == 0.5 && o.schedule == Schedule::kLinear));
}

TEST_CASE("override: only the first '=' separates", "[config]") {
  CHECK(load_sample("{}", {"train.name=a=b"}).name == "a=b");
}

TEST_CASE("override: an empty value is the empty text", "[config]") {
  CHECK(load_sample("{}", {"train.name="}).name.empty());
  CHECK(contains(override_error("train.steps="),
                 "--set train.steps=: error: 'train.steps' must be an integer, not the text ''"));
}

TEST_CASE("override: one element of a list from a file, of the default list, or a new one",
          "[config]") {
  const SampleOptions file = load_sample(
      "reward: [{metric: exact_match, weight: 3}, {weight: 4}]\n", {"reward.1.weight=5"});
  REQUIRE(file.reward.size() == 2);
  CHECK((file.reward[0].metric == "exact_match" && file.reward[0].weight == 3 &&
         file.reward[1].weight == 5));
  const SampleOptions defaults = load_sample("{}", {"reward.0.weight=2"});
  REQUIRE(defaults.reward.size() == 1);
  CHECK((defaults.reward[0].metric == "edit_similarity" && defaults.reward[0].weight == 2));
  const SampleOptions more =
      load_sample("{}", {"reward.1.metric=exact_match", "reward.1.weight=-1"});
  REQUIRE(more.reward.size() == 2);
  CHECK((more.reward[1].metric == "exact_match" && more.reward[1].weight == -1));
  const SampleOptions appended =
      load_sample("reward: [{weight: 3}]\n", {"reward.1={metric: exact_match}"});
  REQUIRE(appended.reward.size() == 2);
  CHECK(appended.reward[1].metric == "exact_match");
}

TEST_CASE("override: a whole list", "[config]") {
  const SampleOptions o =
      load_sample("reward: [{weight: 3}, {weight: 4}]\n", {"reward=[{metric: exact_match}]"});
  REQUIRE(o.reward.size() == 1);
  CHECK((o.reward[0].metric == "exact_match" && o.reward[0].weight == 1));
  CHECK(load_sample("{}", {"reward.0.weight=7", "reward=[]"}).reward.empty());
  CHECK(load_sample("{}", {"reward=[{}]", "reward.0.weight=7"}).reward[0].weight == 7);
}

TEST_CASE("override: elements of lists of texts", "[config]") {
  CHECK(load_sample("{}", {"train.tags.1=z", "train.tags.2=new"}).tags ==
        std::vector<std::string>{"a", "z", "new"});
  CHECK(load_sample("train: {tags: [p]}\n", {"train.tags.0=z"}).tags ==
        std::vector<std::string>{"z"});
}

TEST_CASE("override error: the form", "[config]") {
  CHECK(contains(override_error("train.steps"),
                 "--set train.steps: error: an override has the form key=value"));
  CHECK(contains(override_error(""), "an override has the form key=value"));
  CHECK(contains(override_error("=5"), "the key before '=' is empty"));
  CHECK(contains(override_error("  =5"), "the key before '=' is empty"));
  CHECK(contains(override_error("train..steps=5"), "has an empty part"));
  CHECK(contains(override_error(".steps=5"), "has an empty part"));
  CHECK(contains(override_error("train.=5"), "has an empty part"));
  CHECK(contains(override_error("train.steps=[1"),
                 "--set train.steps=[1: error: this is not valid YAML"));
  CHECK(contains(override_error("train.name=\xff"), "not valid UTF-8"));
  CHECK(contains(override_error("train.name=a\x01"), "control character"));
  CHECK(contains(override_error("train.name=1\n---\n2"), "a second document"));
  CHECK(contains(override_error("train={steps: 1, steps: 2}"), "duplicate key 'steps'"));
  std::string deep = "a";
  for (int i = 0; i < 100; ++i) deep += ".a";
  CHECK(contains(override_error(deep + "=1"), "deeper than 64 levels"));
}

TEST_CASE("override error: the key and the value", "[config]") {
  CHECK(contains(
      override_error("train.stepz=5"),
      "--set train.stepz=5: error: unknown key 'train.stepz'; did you mean 'train.steps'?"));
  CHECK(contains(override_error("train.steps=abc"), "must be an integer, not 'abc'"));
  CHECK(contains(override_error("train.steps=010"), "octal"));
  CHECK(contains(override_error("train.steps.x=5"), "must be an integer, not a block of keys"));
  CHECK(contains(override_error("train=5"), "'train' is a block of keys, not '5'"));
  CHECK(contains(override_error("train.0=5"), "unknown key 'train.0'"));
  CHECK(contains(override_error("train.steps=#5"), "not nothing"));
}

TEST_CASE("override error: elements of lists", "[config]") {
  CHECK(contains(override_error("reward.5.weight=1"),
                 "--set reward.5.weight=1: error: 'reward' has 1 element: there is no index '5'"));
  CHECK(contains(override_error("reward.weight=1"), "'reward' must be a list of blocks"));
  CHECK(contains(override_error("reward.0=7"), "'reward.0' is a block of keys, not '7'"));
  CHECK(contains(override_error("reward.-1.weight=1"), "'reward' must be a list of blocks"));
  CHECK(contains(override_error("reward.99999999999999999999.weight=1"),
                 "'reward' must be a list of blocks"));
  CHECK(contains(override_error("train.tags.7=x"),
                 "'train.tags' has 2 elements: there is no index 7"));
  CHECK(contains(override_error("train.tags.0=[x]"), "one element is a list"));
  CHECK(contains(error_of("data: {train: t}\nreward: [{weight: 1}]\n", {"reward.2.weight=1"}),
                 "this list has 1 element: there is no index '2'"));
  CHECK(contains(error_of("data: {train: t}\nreward: [{weight: 1}]\n", {"reward.weight=1"}),
                 "there is no index 'weight'"));
}

TEST_CASE("override: several wrong ones are all reported", "[config]") {
  const std::string message =
      error_of("data: {train: t}\n", {"train.steps", "=1", "train.stepz=1"});
  CHECK(contains(message, "form key=value"));
  CHECK(contains(message, "key before '=' is empty"));
  CHECK(contains(message, "unknown key 'train.stepz'"));
}

TEST_CASE("list index: short decimal numbers only", "[config]") {
  CHECK(list_index("0") == 0);
  CHECK(list_index("12") == 12);
  for (const char* text : {"", "-1", "a", "1a", "1234567"}) CHECK(list_index(text) == -1);
}

}  // namespace
}  // namespace pgtrain::test
