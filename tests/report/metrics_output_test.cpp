#include "report/metrics_output.h"

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::contains;
using test::message_of;

class Run {
 public:
  explicit Run(const std::string& rows) { test::write_file(folder_ / "metrics.jsonl", rows); }

  std::string table(const MetricsQuery& query = {}) const {
    return metrics_table(folder_.path(), query);
  }
  std::string csv(const MetricsQuery& query = {}) const {
    std::string out;
    write_metrics_csv(folder_.path(), query, [&](std::string_view text) { out += text; });
    return out;
  }
  std::string json(const MetricsQuery& query = {}) const {
    std::string out;
    write_metrics_json(folder_.path(), query, [&](std::string_view text) { out += text; });
    return out;
  }

 private:
  test::TempDir folder_;
};

// Two steps of each phase; the last line is still being written.
constexpr const char* kRows =
    R"({"phase":"warmup","step":1,"loss":2.5,"grad_norm":1.25}
{"phase":"warmup","step":2,"loss":2.25,"grad_norm":1}
{"phase":"eval","step":0,"eval_reward":0.125}
{"phase":"train","step":1,"reward":0.25,"kl":null,"grad_norm":0.5,"num_tokens":64,"nonfinite":["kl"]}
{"phase":"train","step":2,"reward":0.5,"kl":0.001,"grad_norm":0.75,"num_tokens":128}
{"phase":"eval","step":2,"eval_reward":0.375}
{"phase":"train","step":3,"rew)";

TEST_CASE("metrics table: the main columns, evaluations in the line of their step", "[report]") {
  const Run run(kRows);
  CHECK(run.table() ==
        "step  reward  eval_reward     kl  grad_norm\n"
        "   0                0.125\n"
        "   1    0.25                 nan        0.5\n"
        "   2     0.5        0.375  0.001       0.75\n");
  CHECK(run.table({"warmup", {}, 0}) ==
        "step  loss  grad_norm\n"
        "   1   2.5       1.25\n"
        "   2  2.25          1\n");
  CHECK(run.table({"eval", {}, 1}) ==
        "step  eval_reward\n"
        "   2        0.375\n");
  CHECK(run.table({"", {"grad_norm"}, 0}) ==
        " phase  step  grad_norm\n"
        "warmup     1       1.25\n"
        "warmup     2          1\n"
        " train     1        0.5\n"
        " train     2       0.75\n");
}

TEST_CASE("metrics table: a run in its warm-up, and one without rows", "[report]") {
  const Run run("{\"phase\":\"warmup\",\"step\":1,\"loss\":2.5}\n");
  CHECK(run.table() == "step  loss\n   1   2.5\n");
  CHECK(Run("").table() == "no rows yet\n");
  CHECK(run.table({"train", {}, 0}) == "no rows yet\n");
}

TEST_CASE("metrics table: about twenty round steps and the last", "[report]") {
  std::string rows;
  for (int step = 1; step <= 1003; ++step)
    rows += "{\"phase\":\"train\",\"step\":" + std::to_string(step) + ",\"reward\":0.5}\n";
  const std::string table = Run(rows).table();
  CHECK(std::count(table.begin(), table.end(), '\n') == 22);  // head, 50 to 1000, 1003
  CHECK(contains(table, "\n  50     0.5\n 100     0.5\n"));
  CHECK(contains(table, "\n1000     0.5\n1003     0.5\n"));
  const std::string last = Run(rows).table({"", {}, 3});
  CHECK(last == "step  reward\n1001     0.5\n1002     0.5\n1003     0.5\n");
}

TEST_CASE("metrics table: rows far apart are thinned as well", "[report]") {
  std::string rows;
  for (int step = 0; step <= 100000; step += 100)
    rows += "{\"phase\":\"eval\",\"step\":" + std::to_string(step) + ",\"eval_reward\":0.5}\n";
  const std::string table = Run(rows).table();
  CHECK(std::count(table.begin(), table.end(), '\n') <= 23);
  CHECK(contains(table, "\n 10000 "));
  CHECK(contains(table, "\n100000 "));
}

TEST_CASE("metrics as CSV: all columns of all rows", "[report]") {
  const Run run(kRows);
  CHECK(run.csv() ==
        "step,phase,loss,grad_norm,eval_reward,reward,kl,num_tokens\n"
        "1,warmup,2.5,1.25,,,,\n"
        "2,warmup,2.25,1,,,,\n"
        "0,eval,,,0.125,,,\n"
        "1,train,,0.5,,0.25,NaN,64\n"
        "2,train,,0.75,,0.5,0.001,128\n"
        "2,eval,,,0.375,,,\n");
  CHECK(run.csv({"train", {"kl", "reward", "kl"}, 1}) == "step,kl,reward\n2,0.001,0.5\n");
  CHECK(Run("").csv() == "step,phase\n");
}

TEST_CASE("metrics as CSV: quoting", "[report]") {
  const Run run(R"({"phase":"a,\"b\"\n\u001b[2J","step":1,"x,y":2}
)");
  CHECK(run.csv() == "step,phase,\"x,y\"\n1,\"a,\"\"b\"\"\\x0a\\x1b[2J\",2\n");
}

TEST_CASE("metrics as JSON: the rows, in ASCII", "[report]") {
  const Run run(kRows);
  CHECK(run.json({"eval", {}, 0}) ==
        "{\"phase\":\"eval\",\"step\":0,\"eval_reward\":0.125}\n"
        "{\"phase\":\"eval\",\"step\":2,\"eval_reward\":0.375}\n");
  CHECK(run.json({"", {"kl"}, 0}) ==
        "{\"phase\":\"train\",\"step\":1,\"kl\":null,\"nonfinite\":[\"kl\"]}\n"
        "{\"phase\":\"train\",\"step\":2,\"kl\":0.001}\n");
  // U+009B would start a control sequence in a terminal.
  CHECK(Run("{\"phase\":\"\xc2\x9b"
            "2J\xf0\x9f\x98\x80\",\"step\":1}\n")
            .json() == "{\"phase\":\"\\u009b2J\\ud83d\\ude00\",\"step\":1}\n");
}

TEST_CASE("metrics: a column that is not there and a folder without a run", "[report]") {
  const Run run(kRows);
  const std::string problem = message_of<ConfigError>([&] { run.table({"eval", {"reward"}, 0}); });
  CHECK(contains(problem, "no row of phase eval has 'reward'; there are: phase step eval_reward"));
  CHECK(contains(message_of<ConfigError>([&] { run.csv({"", {"\x1b[2J"}, 0}); }), "'\\x1b[2J'"));
  const test::TempDir empty;
  CHECK(contains(message_of<DataError>([&] { metrics_table(empty.path(), {}); }),
                 "it has no metrics.jsonl"));
  CHECK(contains(message_of<DataError>([] { Run("{]\n").table(); }), "metrics.jsonl:1: "));
}

}  // namespace
}  // namespace pgtrain
