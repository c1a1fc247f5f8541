#include "config/dump.h"

#include <cstring>

#include "sample_options.h"

namespace pgtrain::test {
namespace {

bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

SampleOptions unusual_options() {
  SampleOptions o;
  o.train_file = "a b: 'c' \"d\" #e\n\t\xe2\x82\xac\xe2\x80\xa8";
  o.steps = 9223372036854775807;
  o.learning_rate = 0.1 + 0.2;
  o.dropout = 5e-324;
  o.whiten = true;
  o.name = "";
  o.tags = {"true", "1", "", "x,y", "- z", "null"};
  o.tokenizer = "word";
  o.schedule = Schedule::kLinear;
  o.reward = {{"exact_match", -0.0}, {"edit_similarity", 1e300}};
  o.preset = "ppo";
  o.baseline = "leave_one_out";
  o.kl_coef = 1.0 / 3;
  return o;
}

void check_equal(const SampleOptions& a, const SampleOptions& b) {
  CHECK(a.train_file == b.train_file);
  CHECK(a.steps == b.steps);
  CHECK(same_bits(a.learning_rate, b.learning_rate));
  CHECK(same_bits(a.dropout, b.dropout));
  CHECK(a.whiten == b.whiten);
  CHECK(a.name == b.name);
  CHECK(a.tags == b.tags);
  CHECK(a.tokenizer == b.tokenizer);
  CHECK(a.schedule == b.schedule);
  REQUIRE(a.reward.size() == b.reward.size());
  for (size_t i = 0; i < a.reward.size(); ++i) {
    CHECK(a.reward[i].metric == b.reward[i].metric);
    CHECK(same_bits(a.reward[i].weight, b.reward[i].weight));
  }
  CHECK(a.preset == b.preset);
  CHECK(a.baseline == b.baseline);
  CHECK(same_bits(a.kl_coef, b.kl_coef));
  CHECK(same_bits(a.clip_range, b.clip_range));
}

SampleOptions reloaded(const std::string& yaml) {
  ConfigFolder folder;
  Sample sample;
  INFO(yaml);
  load(sample.root, {folder.write("dump.yaml", yaml)});
  return sample.options;
}

TEST_CASE("dump: all keys as YAML", "[config]") {
  Sample sample;
  sample.options.train_file = "t.jsonl";
  CHECK(dump(sample.root) ==
        "data:\n  train: t.jsonl\n"
        "train:\n  steps: 200\n  dropout: 0.0\n  whiten: false\n  name: run\n  tags: [a, b]\n"
        "optimizer:\n  learning_rate: 0.001\n  schedule: constant\n"
        "tokenizer:\n  kind: char\n"
        "reward:\n  - metric: edit_similarity\n    weight: 1.0\n"
        "algorithm:\n  baseline: leave_one_out\n  preset: rloo\n  kl:\n    coef: 0.0\n  "
        "clip_range: 0.2\n");
}

TEST_CASE("dump: loading it gives the same values, bit for bit", "[config]") {
  Sample sample;
  sample.options = unusual_options();
  check_equal(reloaded(dump(sample.root)), unusual_options());
  CHECK(flatten(sample.root).size() == 17);
}

TEST_CASE("dump: only changed keys, and loading them gives the same values", "[config]") {
  Sample sample;
  CHECK(dump(sample.root, DumpMode::kChanged) == "{}\n");
  sample.options.train_file = "t";
  sample.options.steps = 5;
  sample.options.reward = {{}, {"exact_match", 2}};
  CHECK(dump(sample.root, DumpMode::kChanged) ==
        "data:\n  train: t\ntrain:\n  steps: 5\nreward:\n  - metric: edit_similarity\n    weight: "
        "1.0\n"
        "  - metric: exact_match\n    weight: 2.0\n");
  sample.options = unusual_options();
  check_equal(reloaded(dump(sample.root, DumpMode::kChanged)), unusual_options());
}

TEST_CASE("dump: a key set back to its default beside a changed preset is kept", "[config]") {
  Sample sample;
  sample.options.train_file = "t";
  sample.options.preset = "ppo";  // which would set the baseline to value
  sample.options.baseline = "leave_one_out";
  const std::string text = dump(sample.root, DumpMode::kChanged);
  CHECK(contains(text, "baseline: leave_one_out"));
  check_equal(reloaded(text), sample.options);
}

TEST_CASE("dump: empty lists and elements without keys", "[config]") {
  Sample sample;
  sample.options.train_file = "t";
  sample.options.reward.clear();
  sample.options.tags.clear();
  const std::string text = dump(sample.root);
  CHECK(contains(text, "reward: []\n"));
  CHECK(contains(text, "tags: []\n"));
  CHECK(reloaded(text).reward.empty());
  CHECK(reloaded(dump(sample.root, DumpMode::kChanged)).reward.empty());
}

TEST_CASE("flatten: dotted keys with canonical values", "[config]") {
  Sample sample;
  sample.options.reward.push_back({"exact_match", 0.5});
  const auto flat = flatten(sample.root);
  CHECK(flat[1] == std::pair<std::string, std::string>("train.steps", "200"));
  CHECK(flat[9] == std::pair<std::string, std::string>("reward.0.metric", "edit_similarity"));
  CHECK(flat[12] == std::pair<std::string, std::string>("reward.1.weight", "0.5"));
  CHECK(flat.back() == std::pair<std::string, std::string>("algorithm.clip_range", "0.2"));
  sample.options.reward.clear();
  CHECK(flatten(sample.root)[9] == std::pair<std::string, std::string>("reward", "[]"));
}

// Lists within elements and blocks within elements.
struct Inner {
  int64_t x = 1;
};
void describe(Section& s, Inner& o) { s.field("x", o.x, "x"); }
struct Outer {
  std::string name = "z";
  std::vector<Inner> inner = {{}, {}};
  Inner block;
};
void describe(Section& s, Outer& o) {
  s.list("inner", o.inner, "inner elements");
  describe(s.section("block", "a block"), o.block);
  s.field("name", o.name, "name");
}

TEST_CASE("dump: nested lists and blocks in elements", "[config]") {
  std::vector<Outer> outer(2);
  outer[1].inner = {{7}};
  outer[1].block.x = 9;
  Section root;
  root.list("outer", outer, "outer elements");
  const std::string text = dump(root);
  CHECK(text ==
        "outer:\n"
        "  - inner:\n      - x: 1\n      - x: 1\n    block:\n      x: 1\n    name: z\n"
        "  - inner:\n      - x: 7\n    block:\n      x: 9\n    name: z\n");
  ConfigFolder folder;
  std::vector<Outer> again;
  Section other;
  other.list("outer", again, "outer elements");
  load(other, {folder.write("a.yaml", text)}, {"outer.1.inner.0.x=8", "outer.0.block.x=3"});
  REQUIRE(again.size() == 2);
  CHECK((again[0].inner.size() == 2 && again[1].inner.size() == 1));
  CHECK((again[1].inner[0].x == 8 && again[1].block.x == 9 && again[0].block.x == 3));
}

}  // namespace
}  // namespace pgtrain::test
