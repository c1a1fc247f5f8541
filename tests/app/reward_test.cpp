// Rewards with a program of the user, word lists and groups, from training to evaluation.
#include "experiment.h"

using namespace pgtrain::test;
using nlohmann::json;

namespace {

// Rewards the share of "a" in the completion; what `when` says happens first.
std::string scorer(const std::string& when) {
  return "import json, os, sys\n"
         "for n, line in enumerate(sys.stdin):\n"
         "    r = json.loads(line)\n"
         "    " +
         when +
         "\n"
         "    c = r['completion']\n"
         "    print(json.dumps({'id': r['id'], 'reward': c.count('a') / max(1, len(c))}), "
         "flush=True)\n";
}

std::string command_reward(const std::string& script) {
  return "reward=[{metric: edit_similarity}, {command: [python3, " + script +
         "], name: judge, weight: 0.5}]";
}

}  // namespace

TEST_CASE("a program rewards, its part is logged, and it makes the same run on any threads") {
  const Experiment one;
  write_file(one / "judge.py", scorer("pass"));
  REQUIRE(one.train({command_reward("judge.py"), "run.threads=1"}).code == 0);
  const json row = json_lines(one.metrics()).back();
  CHECK(row.contains("eval_rewards/judge/mean"));
  const Experiment two;
  write_file(two / "judge.py", scorer("pass"));
  REQUIRE(two.train({command_reward("judge.py"), "run.threads=3"}).code == 0);
  CHECK(exact_record(one) == exact_record(two));
}

TEST_CASE(
    "a program that breaks the protocol ends the run with its reason, and the run goes on "
    "once it is mended") {
  const Experiment broken;
  write_file(broken / "judge.py", scorer("if n == 70: print('oops', flush=True)"));
  const ProcessResult result = broken.train({command_reward("judge.py"), "run.threads=1"});
  CHECK(result.code == 4);
  CHECK(contains(result.err, "oops"));
  write_file(broken / "judge.py", scorer("pass"));
  REQUIRE(broken.train({command_reward("judge.py"), "run.threads=1"}).code == 0);
  const Experiment whole;
  write_file(whole / "judge.py", scorer("pass"));
  REQUIRE(whole.train({command_reward("judge.py"), "run.threads=1"}).code == 0);
  CHECK(exact_record(broken) == exact_record(whole));
}

TEST_CASE("eval runs the program of a checkpoint only when it is allowed to") {
  const Experiment experiment;
  write_file(experiment / "judge.py", scorer("pass"));
  REQUIRE(experiment.train({command_reward("judge.py")}).code == 0);
  const ProcessResult refused = experiment.run({"eval", "--checkpoint", "run"});
  CHECK(refused.code == 2);
  CHECK(contains(refused.err, "the program 'python3 judge.py': --allow-command"));
  CHECK(experiment.run({"eval", "--checkpoint", "run", "--allow-command"}).code == 0);
  CHECK(experiment.run({"eval", "--checkpoint", "run", "--set", "reward=[{metric: chrf}]"}).code ==
        0);
}

TEST_CASE(
    "a missing program and a bad pattern are found before anything is written, with their place") {
  const Experiment experiment;
  const ProcessResult missing = experiment.train({"reward=[{command: [no_such_program]}]"});
  CHECK(missing.code == 2);
  CHECK(contains(missing.err, "no such program in PATH"));
  const ProcessResult pattern = experiment.train({"reward=[{metric: format, pattern: '('}]"});
  CHECK(pattern.code == 2);
  CHECK(contains(pattern.err,
                 "--set reward=[{metric: format, pattern: '('}]: error: reward.0.pattern"));
  CHECK(!std::filesystem::exists(experiment / "run"));
}

TEST_CASE(
    "the embeddings that a reward compares stay those of the start, also in eval and resume") {
  const Experiment whole;
  REQUIRE(whole.train({"reward=[{metric: embedding_cosine}]"}).code == 0);
  const Experiment cut;
  REQUIRE(cut.train({"reward=[{metric: embedding_cosine}]", "train.steps=4"}).code == 0);
  REQUIRE(cut.train({"reward=[{metric: embedding_cosine}]"}).code == 0);
  CHECK(exact_record(cut) == exact_record(whole));
  const auto last = json_lines(whole.metrics()).back();
  const auto eval =
      json_lines(whole.run({"eval", "--checkpoint", "run", "--which", "latest", "--json"}).out);
  CHECK(eval.front()["eval_reward"] == last["eval_reward"]);
}

TEST_CASE("words of the blocklist that were found are named in completions.jsonl") {
  const Experiment experiment;
  write_file(experiment / "words.txt", "a\nb\nc\naa\nbb\ncc\nab\nac\nba\nbc\nca\ncb\n");
  REQUIRE(experiment.train({"reward=[{metric: blocklist, words_file: words.txt}]"}).code == 0);
  CHECK(contains(read_file(experiment / "run/completions.jsonl"), "\"notes\":\"blocklist: "));
}

TEST_CASE("the reward of groups is logged by field, and a field that makes no groups is refused") {
  const Experiment experiment;
  REQUIRE(experiment.train({"fairness.fields=[parity]"}).code == 0);
  const json row = json_lines(experiment.metrics()).back();
  CHECK(row.contains("eval_reward/by/parity/odd"));
  CHECK(row.contains("eval_reward/by/parity/even"));
  CHECK(row.contains("eval_reward/gap/parity"));
  const ProcessResult unknown = Experiment().train({"fairness.fields=[party]"});
  CHECK(unknown.code == 4);
  CHECK(contains(unknown.err, "no record has the field 'party'"));
}
