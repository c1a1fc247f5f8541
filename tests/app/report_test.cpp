// pgtrain report: the page itself is checked in tests/report.
#include "experiment.h"

using namespace pgtrain::test;

TEST_CASE("report: a real run, to standard output and to a file") {
  const Experiment experiment;
  REQUIRE(experiment.train({"fairness.fields=[parity]"}).code == 0);
  const ProcessResult page = experiment.run({"report", "run"});
  REQUIRE(page.code == 0);
  CHECK(page.err.empty());
  CHECK(page.out.rfind("<!DOCTYPE html>\n", 0) == 0);
  for (const char* part : {"<h1>tiny</h1>", "8 of 8", "id=\"curves\"", "id=\"completions\"",
                           "id=\"groups\"", "parity", "Warm-up loss", "Throughput"})
    CHECK(contains(page.out, part));
  for (const auto& link : {"best", "latest"}) CHECK(contains(page.out, experiment.link(link)));

  const ProcessResult file = experiment.run({"report", "run", "--output", "page.html"});
  CHECK(file.code == 0);
  CHECK(file.out.empty());
  CHECK(read_file(experiment / "page.html") == page.out);
  CHECK(contains(experiment.run({"report", "run", "--title", "A <b> title"}).out,
                 "<h1>A &lt;b&gt; title</h1>"));
}

TEST_CASE("report: a run that was stopped, and one that lost its files") {
  const Experiment experiment;
  REQUIRE(experiment.train({"train.max_tokens=1"}).code == 0);
  std::string config = read_file(experiment / "run/config.yaml");
  const std::string limit = "max_tokens: 1";
  config.replace(config.find(limit), limit.size(), "max_tokens: 0");
  write_file(experiment / "run/config.yaml", config);
  CHECK(contains(experiment.run({"report", "run"}).out, "not finished"));
  for (const char* name : {"completions.jsonl", "timing.jsonl", "train.log", "metrics.jsonl"})
    std::filesystem::remove(experiment / ("run/" + std::string(name)));
  std::filesystem::remove_all(experiment / "run/checkpoints");
  const ProcessResult page = experiment.run({"report", "run"});
  CHECK(page.code == 0);
  CHECK(contains(page.out, "0 of 8"));
}

TEST_CASE("report: errors") {
  const Experiment experiment;
  REQUIRE(experiment.train().code == 0);
  CHECK(experiment.run({"report"}).code == 2);
  const ProcessResult foreign = experiment.run({"report", "."});
  CHECK(foreign.code == 0);  // stands for the run in it
  write_file(experiment / "empty", "");
  CHECK(experiment.run({"report", "empty"}).code == 4);
  const ProcessResult missing = experiment.run({"report", "no-such-run"});
  CHECK(missing.code == 4);
  CHECK(contains(missing.err, "no-such-run"));
  std::filesystem::create_directory(experiment / "foreign");
  CHECK(contains(experiment.run({"report", "foreign"}).err, "neither a run nor a folder of runs"));
  CHECK(experiment.run({"report", "foreign"}).code == 4);

  CHECK(experiment.run({"report", "run", "--output", "no/such/folder/page.html"}).code == 5);
  CHECK(experiment.run({"report", "run", "--output", "foreign"}).code == 2);
  ProcessOptions full = experiment.options();
  full.output = "/dev/full";
  CHECK(run_pgtrain({"report", "run"}, full).code == 5);
  ProcessOptions small = experiment.options();
  small.max_file_bytes = 4096;
  write_file(experiment / "page.html", "old");
  CHECK(run_pgtrain({"report", "run", "--output", "page.html"}, small).code == 5);
  CHECK(read_file(experiment / "page.html") == "old");
}
