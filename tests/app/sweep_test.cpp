// Sweeps from the command line: the plan, pausing, scripts/sweep.sh with failures, halving and
// changed plans, the Slurm script, the comparison. Kills: scripts/sweep_kill_check.sh.
#include <csignal>
#include <sstream>

#include "experiment.h"

using namespace pgtrain::test;
using nlohmann::json;

namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

const std::string kScripts = std::string(PGTRAIN_SOURCE) + "/scripts/";

Texts lines_of(const std::string& text) {
  Texts result;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

ProcessOptions script_options(const Experiment& experiment) {
  ProcessOptions options = experiment.options();
  options.program = "/usr/bin/env";
  options.environment = {{"PGTRAIN", PGTRAIN_BINARY}};
  return options;
}

Texts sweep_arguments(const Texts& flags) {
  Texts arguments = {"bash", kScripts + "sweep.sh", "--config", "tiny.yaml", "--jobs", "2"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return arguments;
}

ProcessResult sweep(const Experiment& experiment, const Texts& flags) {
  return run_pgtrain(sweep_arguments(flags), script_options(experiment));
}

json train_json(const Experiment& experiment, const Texts& more) {
  Texts arguments = Experiment::train_arguments({});
  arguments.emplace_back("--json");
  arguments.insert(arguments.end(), more.begin(), more.end());
  const ProcessResult result = experiment.run(arguments);
  INFO(result.err);
  REQUIRE(result.code == 0);
  return json::parse(result.out);
}

std::string folder_of(const Experiment& experiment, const std::string& sweep_folder,
                      const std::string& part) {
  for (const auto& entry : fs::directory_iterator(experiment / sweep_folder))
    if (contains(entry.path().filename().string(), part)) return entry.path().string();
  FAIL("no folder with " << part);
  return "";
}

}  // namespace

TEST_CASE("a paused run goes on to the bits of an uninterrupted one") {
  const Experiment whole;
  REQUIRE(whole.train().code == 0);
  const Experiment paused;
  // A step that lies behind changes nothing.
  const std::vector<std::pair<std::string, int>> pauses = {
      {"0", 0}, {"3", 3}, {"3", 3}, {"1", 3}, {"5", 5}};
  for (const auto& [until, step] : pauses) {
    const json line = train_json(paused, {"--until", until});
    CHECK(line.at("status") == "paused");
    CHECK(line.at("step") == step);
  }
  const json last = train_json(paused, {"--until", "100"});
  CHECK(last.at("status") == "done");
  CHECK(exact_record(paused) == exact_record(whole));
  // A run that is done answers with the same line, though there was nothing left to do.
  CHECK(train_json(paused, {}) == last);
  CHECK(train_json(paused, {"--until", "2"}) == last);
  const ProcessResult negative = paused.run({"train", "--config", "tiny.yaml", "--until", "-1"});
  CHECK(negative.code == 2);
}

TEST_CASE("the JSON line of a paused run holds the values of its last step and evaluation") {
  const Experiment experiment;
  const json line = train_json(experiment, {"--until", "5"});
  CHECK(line.at("step") == 5);
  const auto rows = json_lines(experiment.metrics());
  json reward;
  json eval_reward;
  for (const json& row : rows) {
    if (row.contains("reward")) reward = row.at("reward");
    if (row.contains("eval_reward")) eval_reward = row.at("eval_reward");
    CHECK((row.at("phase") != "eval" || row.at("step") != 5));  // none that nobody asked for
  }
  CHECK(line.at("reward") == reward);
  CHECK(line.at("eval_reward") == eval_reward);
}

TEST_CASE("sweep prints checked runs, or all problems and nothing else") {
  const Experiment experiment;
  const ProcessResult plan = experiment.run({"sweep", "-c", "tiny.yaml", "-d", "runs/a b", "--grid",
                                             "optimizer.learning_rate=1e-3,1e-2", "--seeds", "1..3",
                                             "--set", "train.steps=4"});
  INFO(plan.err);
  REQUIRE(plan.code == 0);
  const Texts lines = lines_of(plan.out);
  REQUIRE(lines.size() == 6);
  const std::string id = lines[0].substr(0, lines[0].find('\t'));
  CHECK(lines[0] ==
        id +
            "\t--config\ttiny.yaml\t--set\toptimizer.learning_rate=1e-3\t--set\trun.seed=1"
            "\t--set\ttrain.steps=4\t--set\trun.name=" +
            id + "\t--set\trun.directory=\"runs/a b/" + id + "\"");
  CHECK_FALSE(fs::exists(experiment / "runs"));

  const ProcessResult bad = experiment.run({"sweep", "-c", "tiny.yaml", "-d", "runs", "--grid",
                                            "optimizer.learning_rate=1e-3,-1", "--seeds", "1..3"});
  CHECK(bad.code == 2);
  CHECK(bad.out.empty());
  CHECK(contains(bad.err, "run learning_rate--1-seed-1-"));
  CHECK(contains(bad.err, " and 2 more:"));
  CHECK(contains(bad.err, "--set optimizer.learning_rate=-1: error:"));
  CHECK(contains(bad.err, "3 of 6 runs cannot start"));
  const ProcessResult unknown = experiment.run(
      {"sweep", "-c", "tiny.yaml", "-d", "runs", "--grid", "optimizer.lerning_rate=1,2"});
  CHECK(unknown.code == 2);
  CHECK(contains(unknown.err, "optimizer.learning_rate"));
  CHECK(experiment.run({"sweep", "-c", "tiny.yaml", "-d", "a\tb"}).code == 2);
}

TEST_CASE("a sweep trains every run, skips what is done, and takes more runs later") {
  const Experiment experiment;
  const Texts flags = {"-d", "my runs", "--grid", "optimizer.learning_rate=1e-3,1e-2", "--seeds"};
  Texts two_seeds = flags;
  two_seeds.emplace_back("1..2");
  const ProcessResult first = sweep(experiment, two_seeds);
  INFO(first.err);
  REQUIRE(first.code == 0);
  CHECK(lines_of(first.out).size() == 3);
  CHECK(contains(first.out, "learning_rate  runs  eval_reward"));
  const auto before = listing(experiment / "my runs");
  const ProcessResult again = sweep(experiment, two_seeds);
  CHECK(again.code == 0);
  CHECK(again.out == first.out);
  CHECK(listing(experiment / "my runs") == before);

  Texts more = flags;
  more.emplace_back("1..3");
  const ProcessResult extended = sweep(experiment, more);
  CHECK(extended.code == 0);
  auto after = listing(experiment / "my runs");
  for (const auto& [name, bytes] : before)
    if (name != "./plan.tsv") CHECK(after.at(name) == bytes);
  CHECK(lines_of(after.at("./plan.tsv")).size() == 6);
  // A changed experiment is not what was trained: the run says so.
  Texts dry = more;
  dry.emplace_back("--dry-run");
  CHECK(sweep(experiment, dry).out == after.at("./plan.tsv"));
  std::string config = read_file(experiment / "tiny.yaml");
  config.replace(config.find("hidden_size: 16"), 15, "hidden_size: 24");
  write_file(experiment / "tiny.yaml", config);
  const ProcessResult changed = sweep(experiment, two_seeds);
  CHECK(changed.code == 1);
  CHECK(contains(changed.err, "belongs to a run with another configuration"));
}

TEST_CASE("a failed run is listed with its reason, the others go on, and it is tried again") {
  const Experiment experiment;
  const Texts flags = {"-d",      "runs/s", "--grid", "data.train=train.jsonl,later.jsonl",
                       "--seeds", "1..2"};
  const ProcessResult result = sweep(experiment, flags);
  CHECK(result.code == 1);
  CHECK(contains(result.err, "FAILED train-later.jsonl-seed-1-"));
  CHECK(contains(result.err, "later.jsonl: "));
  CHECK(contains(result.err, "2 of 4 runs failed"));
  CHECK(contains(result.out, "done"));
  CHECK(read_file(folder_of(experiment, "runs/s", "later.jsonl-seed-1") + "/exit_code") == "4\n");
  fs::copy(experiment / "train.jsonl", experiment / "later.jsonl");
  CHECK(sweep(experiment, flags).code == 0);
}

TEST_CASE("a run that diverges is a failed run of the table") {
  const Experiment experiment;
  const ProcessResult result =
      sweep(experiment, {"-d", "s", "--grid", "algorithm.advantage_scale=1,1e38", "--set",
                         "algorithm.whiten_advantages=true"});
  INFO(result.err);
  CHECK(result.code == 1);
  CHECK(contains(result.err, "5 steps in a row were not finite"));
  CHECK(contains(result.err, "exit code 3"));
  CHECK(contains(result.out, "failed at 4/8"));
}

TEST_CASE("what a killed process left half-written is taken up") {
  const Experiment experiment;
  const Texts flags = {"-d", "s", "--seeds", "1..2"};
  const ProcessResult whole = sweep(experiment, flags);
  REQUIRE(whole.code == 0);
  const std::string one = folder_of(experiment, "s", "seed-1");
  const std::string two = folder_of(experiment, "s", "seed-2");
  // Rows beyond the checkpoint with a cut last line, no result; a folder with nothing but the
  // question.
  std::ofstream(one + "/metrics.jsonl", std::ios::app) << "{\"phase\":\"tra";
  for (const char* name : {"/result.json", "/exit_code"}) fs::remove(one + name);
  for (const auto& entry : fs::directory_iterator(two))
    if (entry.path().filename() != "requested.yaml") fs::remove_all(entry.path());
  CHECK(experiment.run({"compare", "s"}).code == 0);
  const ProcessResult again = sweep(experiment, flags);
  INFO(again.err);
  CHECK(again.code == 0);
  CHECK(again.out == whole.out);
}

TEST_CASE("successive halving stops the worse half early and says so") {
  const Experiment experiment;
  const Texts flags = {"-d",        "s", "--grid", "optimizer.learning_rate=1e-4,1e-3,1e-2,3e-2",
                       "--halving", "4", "--set",  "train.steps=16"};
  const ProcessResult result = sweep(experiment, flags);
  INFO(result.err);
  REQUIRE(result.code == 0);
  int done = 0;
  int at_4 = 0;
  int at_8 = 0;
  for (const std::string& line : lines_of(result.out)) {
    done += contains(line, "done") ? 1 : 0;
    at_4 += contains(line, "paused at 4/16") ? 1 : 0;
    at_8 += contains(line, "paused at 8/16") ? 1 : 0;
  }
  CHECK((done == 1 && at_4 == 2 && at_8 == 1));
  CHECK(contains(result.err, "step 4: 2 of 4 runs go on"));
  CHECK(contains(result.err, "halved "));
  CHECK(sweep(experiment, flags).out == result.out);
  // Without halving the same runs go on to their end.
  const ProcessResult full =
      sweep(experiment, {"-d", "s", "--grid", "optimizer.learning_rate=1e-4,1e-3,1e-2,3e-2",
                         "--set", "train.steps=16"});
  CHECK(full.code == 0);
  CHECK_FALSE(contains(full.out, "paused"));
  // And the ranking is by what the runs had at the rungs, also now that all are done.
  const ProcessResult ranked = sweep(experiment, flags);
  CHECK(ranked.code == 0);
  CHECK(ranked.out == full.out);
}

TEST_CASE("the flags of a sweep are checked before anything is written") {
  const Experiment experiment;
  for (const Texts& flags :
       std::vector<Texts>{{"--seeds", "1..2"},
                          {"-d", "s", "--jobs", "0"},
                          {"-d", "s", "--jobs", "x"},
                          {"-d", "s", "--halving", "-1"},
                          {"-d", "s", "--eta", "1"},
                          {"-d", "s", "--grid"},
                          {"-d", "s", "--nonsense", "1"},
                          {"-d", "s", "--grid", "optimizer.learning_rate=1e-3,-1"},
                          {"-d", "s", "--grid", "run.seed=5..1"}}) {
    const ProcessResult result = sweep(experiment, flags);
    INFO(result.err);
    CHECK(result.code == 2);
    CHECK_FALSE(result.err.empty());
  }
  CHECK_FALSE(fs::exists(experiment / "s"));
  const ProcessResult rung = sweep(experiment, {"-d", "s", "--halving", "3", "--seeds", "1..2"});
  CHECK(rung.code == 2);
  CHECK(contains(rung.err, "multiple of eval.every, which is 4"));
}

TEST_CASE("SIGTERM stops a sweep with its runs saved; one sweep works in a folder at a time") {
  const Experiment experiment;
  const Texts flags = {"-d", "s", "--seeds", "1..3", "--set", "train.steps=3000"};
  Process process(sweep_arguments(flags), script_options(experiment));
  const auto steps = [&] {
    std::error_code missing;
    uint64_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(experiment / "s", missing))
      bytes += fs::exists(entry.path() / "metrics.jsonl")
                   ? fs::file_size(entry.path() / "metrics.jsonl")
                   : 0;
    return bytes;
  };
  REQUIRE(process.wait_until([&] { return steps() > 20000; }));
  const ProcessResult second = sweep(experiment, flags);
  CHECK(second.code == 2);
  CHECK(contains(second.err, "another sweep"));
  process.send(SIGTERM);
  const ProcessResult result = process.wait();
  INFO(result.err);
  CHECK(result.code == 75);
  CHECK(contains(result.err, "the same command goes on"));
  CHECK(result.out.empty());
  const std::string run = folder_of(experiment, "s", "seed-1");
  CHECK(contains(read_file(run + "/stderr.log"), "stopped and saved"));
  CHECK_FALSE(fs::exists(run + "/exit_code"));
}

TEST_CASE("a task of a Slurm array trains its line of the plan, and is queued again when stopped") {
  const Experiment experiment;
  fs::create_directories(experiment / "s");
  fs::create_directories(experiment / "bin");
  write_file(experiment / "bin/scontrol", "#!/bin/sh\necho \"$@\" >> requeued\n");
  fs::permissions(experiment / "bin/scontrol", fs::perms::owner_all);
  const auto plan = [&](const std::string& steps) {
    const ProcessResult result = experiment.run({"sweep", "-c", "tiny.yaml", "-d", "s", "--seeds",
                                                 "1..2", "--set", "train.steps=" + steps});
    write_file(experiment / "s/plan.tsv", result.out);
  };
  ProcessOptions options = script_options(experiment);
  options.environment.emplace_back("PATH", (experiment / "bin") + ":" + std::getenv("PATH"));
  options.environment.emplace_back("SLURM_ARRAY_JOB_ID", "17");
  options.environment.emplace_back("SLURM_ARRAY_TASK_ID", "2");
  options.environment.emplace_back("SLURM_CPUS_PER_TASK", "1");
  const Texts arguments = {"bash", kScripts + "slurm_array.sh", "s/plan.tsv"};

  plan("8");
  const ProcessResult done = run_pgtrain(arguments, options);
  INFO(done.err);
  CHECK(done.code == 0);
  const std::string run = folder_of(experiment, "s", "seed-2");
  CHECK(read_file(run + "/exit_code") == "0\n");
  CHECK(json::parse(done.out).at("status") == "done");
  CHECK_FALSE(fs::exists(experiment / "requeued"));

  fs::remove_all(run);
  plan("3000");
  Process process(arguments, options);
  const auto folder = [&] {
    for (const auto& entry : fs::directory_iterator(experiment / "s"))
      if (entry.is_directory()) return entry.path().string();
    return std::string();
  };
  REQUIRE(process.wait_until([&] {
    std::error_code missing;
    return !folder().empty() && fs::file_size(folder() + "/metrics.jsonl", missing) > 10000 &&
           !missing;
  }));
  process.send(SIGTERM);
  CHECK(process.wait().code == 75);
  CHECK(read_file(experiment / "requeued") == "requeue 17_2\n");
  CHECK_FALSE(fs::exists(folder() + "/exit_code"));
}

TEST_CASE("compare reads runs and folders of runs, leaves out what cannot be read, and says so") {
  const Experiment experiment;
  REQUIRE(sweep(experiment, {"-d", "s", "--seeds", "1..2"}).code == 0);
  const ProcessResult table = experiment.run({"compare", "s"});
  CHECK(table.code == 0);
  CHECK(lines_of(table.out).size() == 2);
  // The same runs by another way count once.
  CHECK(experiment.run({"compare", "s", folder_of(experiment, "s", "seed-1")}).out == table.out);
  CHECK(table.err.empty());
  fs::copy(folder_of(experiment, "s", "seed-1"), experiment / "copy",
           fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  const ProcessResult repeated = experiment.run({"compare", "s", "copy"});
  CHECK((repeated.code == 0 && contains(repeated.err, "seed 1 occurs more than once")));
  const auto parsed = json::parse(experiment.run({"compare", "s", "--json"}).out);
  CHECK(parsed.at("groups").at(0).at("seeds") == json::parse("[1,2]"));
  CHECK(parsed.at("groups").at(0).at("eval_reward").at("count") == 2);
  CHECK(lines_of(experiment.run({"compare", "s", "--csv", "--by", "run.seed"}).out).size() == 3);
  CHECK(experiment.run({"compare", "s", "--csv", "--json"}).code == 2);
  CHECK(experiment.run({"compare", "s", "--sort", "nonsense"}).code == 2);
  CHECK(experiment.run({"compare", "s", "--by", "nonsense"}).code == 2);
  CHECK(experiment.run({"compare", "nothing"}).code == 4);
  write_file(folder_of(experiment, "s", "seed-1") + "/config.yaml", "{nonsense: \x1b[2J}\n");
  const ProcessResult broken = experiment.run({"compare", "s"});
  CHECK(broken.code == 4);
  CHECK(contains(broken.err, "left out: "));
  CHECK_FALSE(contains(broken.err, "\x1b"));
  CHECK(lines_of(broken.out).size() == 2);
}
