#include "config/section.h"

#include "sample_options.h"

namespace pgtrain::test {
namespace {

TEST_CASE("section: the default is the value at the time of describe", "[config]") {
  SampleOptions options;
  options.steps = 7;
  Section root;
  describe(root, options);
  options.steps = 9;
  const auto& train = *std::get<std::unique_ptr<Section>>(root.find("train")->content);
  const auto& steps = *std::get<std::unique_ptr<Field>>(train.find("steps")->content);
  CHECK(steps.path() == "train.steps");
  CHECK(std::get<int64_t>(steps.default_value()) == 7);
  CHECK(std::get<int64_t>(steps.value()) == 9);
  CHECK(steps.is_changed());
}

TEST_CASE("section: keys are unique, lower-case names", "[config]") {
  Section root;
  int64_t value = 0;
  root.field("steps", value, "steps");
  CHECK_THROWS_AS(root.field("steps", value, "again"), InternalError);
  CHECK_THROWS_AS(root.section("steps", "again"), InternalError);
  for (const char* key : {"", "Steps", "a.b", "0", "a b", "_a", "a-b"}) {
    INFO(key);
    CHECK_THROWS_AS(root.field(key, value, "x"), InternalError);
  }
}

TEST_CASE("section: a second preset and an empty choice are programming errors", "[config]") {
  Section root;
  std::string value = "a";
  root.preset("p", value, {{"a", [] {}}}, "x");
  CHECK_THROWS_AS(root.preset("q", value, {{"a", [] {}}}, "x"), InternalError);
  CHECK_THROWS_AS(root.choice("c", value, std::vector<std::string>{}, "x"), InternalError);
}

TEST_CASE("section: an enumerator without a name is a programming error", "[config]") {
  Section root;
  auto value = static_cast<Schedule>(7);
  CHECK_THROWS_AS(root.choice("schedule", value, {{"constant", Schedule::kConstant}}, "x"),
                  InternalError);
}

TEST_CASE("section: a value of another type is a programming error", "[config]") {
  Section root;
  int64_t value = 0;
  const Field& field = root.field("steps", value, "steps");
  field.set(int64_t{5});
  CHECK(value == 5);
  CHECK_THROWS_AS(field.set(5.0), InternalError);
}

TEST_CASE("section: elements of a list are described one by one", "[config]") {
  Sample sample;
  sample.options.reward = {{"exact_match", 2.0}, {}};
  const auto& list = *std::get<std::unique_ptr<BlockList>>(sample.root.find("reward")->content);
  CHECK(list.size() == 2);
  CHECK(list.default_size() == 1);
  CHECK(list.is_changed());
  CHECK(list.at(1)->path() == "reward.1");
  CHECK(flatten(*list.at(0))[0] ==
        std::pair<std::string, std::string>("reward.0.metric", "exact_match"));
  CHECK(flatten(*list.default_at(0))[0].second == "edit_similarity");
  sample.options.reward = {{}};
  CHECK_FALSE(list.is_changed());
}

}  // namespace
}  // namespace pgtrain::test
