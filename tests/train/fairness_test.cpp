#include "train/fairness.h"

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "support/log_capture.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::contains;
using test::message_of;

// Four records in groups x, x, y and without a group; rewards 0.2, 0.4, 0.9, 0.5.
struct Example {
  Dataset data;
  Rollout rollout;
  FairnessOptions options{{"group"}, 0.1};

  Example() {
    data.path = "data.jsonl";
    for (const char* fields :
         {R"({"group": "x"})", R"({"group": "x"})", R"({"group": "y"})", "{}"}) {
      Record record;
      record.fields = nlohmann::json::parse(fields);
      data.records.push_back(record);
    }
    for (int64_t i = 0; i < 4; ++i) rollout.records.push_back(i);
    rollout.completions.resize(4);
    for (const double reward : {0.2, 0.4, 0.9, 0.5}) {
      Score score;
      score.total = reward;
      rollout.scores.push_back(score);
    }
  }
};

TEST_CASE("fairness: the mean reward of each group and the distance of the extremes", "[train]") {
  const Example example;
  Row row;
  add_fairness_metrics(row, "eval_", example.options, example.rollout, example.data);
  CHECK(test::close(row.number("eval_reward/by/group/x"), 0.3));
  CHECK(row.number("eval_reward/by/group/y") == 0.9);
  CHECK(row.number("eval_reward/by/group/(none)") == 0.5);
  CHECK(test::close(row.number("eval_reward/gap/group"), 0.6));
}

TEST_CASE("fairness: values that are no texts are named as JSON", "[train]") {
  Record record;
  record.fields = nlohmann::json::parse(R"({"n": 3, "flag": true, "list": [1, "a"]})");
  CHECK(field_value(record, "n") == "3");
  CHECK(field_value(record, "flag") == "true");
  record.fields["path"] = "news/a%b\n";
  CHECK(field_value(record, "path") == "news%2Fa%25b\\x0a");
  CHECK(field_value(record, "list") == "[1,\"a\"]");
  CHECK(field_value(record, "other") == "(none)");
}

TEST_CASE("fairness: an unknown field and one with too many values are refused", "[train]") {
  Example example;
  CHECK_NOTHROW(check_fairness(example.options, example.data));
  CHECK(
      contains(message_of<DataError>([&] {
                 check_fairness({{"grp"}, 0.1}, example.data);
               }),
               "data.jsonl: no record has the field 'grp' of fairness.fields; the first record has "
               "group"));
  example.data.records.resize(65, example.data.records[0]);
  for (size_t i = 0; i < 65; ++i) example.data.records[i].fields["id"] = i;
  CHECK(contains(message_of<DataError>([&] {
                   check_fairness({{"id"}, 0.1}, example.data);
                 }),
                 "more than 64 values"));
}

Row evaluation(double gap) { return Row().set("eval_reward/gap/group", gap); }

TEST_CASE("fairness: a gap that grows since the first evaluation is reported once", "[train]") {
  const test::LogCapture log;
  DriftWatch watch({{"group"}, 0.1});
  watch.see(evaluation(0.3));
  watch.see(evaluation(0.39));
  CHECK(log.text().empty());
  watch.see(evaluation(0.45));
  CHECK(contains(log.text(), "the groups of 'group' drift apart"));
  const std::string once = log.text();
  watch.see(evaluation(0.6));
  CHECK(log.text() == once);
}

TEST_CASE("fairness: a resumed run remembers the first evaluation of its metrics", "[train]") {
  const test::TempDir folder;
  test::write_file(folder / "metrics.jsonl",
                   "{\"phase\":\"train\",\"step\":1}\nnot json\n"
                   "{\"phase\":\"eval\",\"step\":0,\"eval_reward/gap/group\":0.1}\n"
                   "{\"phase\":\"eval\",\"step\":5,\"eval_reward/gap/group\":0.9}\n");
  const test::LogCapture log;
  DriftWatch watch({{"group"}, 0.1});
  watch.read_first(folder / "metrics.jsonl");
  watch.see(evaluation(0.3));
  CHECK(contains(log.text(), "0.100 at the first evaluation"));
}

}  // namespace
}  // namespace pgtrain
