#include "train/trainer.h"

#include "core/error.h"
#include "train/runs.h"

using namespace pgtrain;
using test::column;
using test::contains;
using test::record_of;
using test::Settings;
using test::train_in_pieces;

namespace {

// A folder with a small data set and run directories.
class Workshop {
 public:
  Workshop() {
    std::string lines;
    for (int i = 0; i < 12; ++i)
      lines += R"({"prompt":")" + std::to_string(i) + R"(","target":")" +
               std::string(static_cast<size_t>(1 + i % 4), 'a') + (i % 2 == 0 ? "b" : "c") +
               "\"}\n";
    test::write_file(dir_ / "train.jsonl", lines);
    test::write_file(dir_ / "eval.jsonl", lines.substr(0, lines.find('\n') + 1));
  }
  ExperimentConfig config(const std::string& name,
                          const std::vector<std::string>& overrides = {}) const {
    std::vector<std::string> all = {"run.directory=" + (dir_ / name),
                                    "run.threads=2",
                                    "data.train=" + (dir_ / "train.jsonl"),
                                    "data.eval=" + (dir_ / "eval.jsonl"),
                                    "model.embedding_size=8",
                                    "model.hidden_size=16",
                                    "rollout.prompts_per_step=5",
                                    "rollout.samples_per_prompt=4",
                                    "rollout.max_new_tokens=8",
                                    "rollout.shard_size=8",
                                    "train.micro_batch=6",
                                    "train.steps=6",
                                    "eval.every=3",
                                    "checkpoint.every=2"};
    all.insert(all.end(), overrides.begin(), overrides.end());
    return load_experiment({}, all);
  }
  std::string operator/(const std::string& name) const { return dir_ / name; }

 private:
  test::TempDir dir_;
};

}  // namespace

TEST_CASE(
    "trainer: every algorithm, stopped after each step and resumed, ends with the bits of the "
    "uninterrupted run",
    "[train]") {
  for (const Settings& algorithm :
       {Settings{"algorithm.baseline=leave_one_out"},
        {"algorithm.preset=reinforce", "algorithm.ema_decay=0.5"},
        {"algorithm.preset=a2c", "algorithm.gae_lambda=0.9", "model.kind=lstm"},
        {"algorithm.baseline=batch_mean", "warmup.steps=5"},
        {"algorithm.baseline=none", "algorithm.whiten_advantages=true",
         "algorithm.entropy_coef=0.01", "optimizer.kind=sgd", "optimizer.momentum=0.9"},
        {"algorithm.preset=ppo", "algorithm.epochs=2", "algorithm.mini_batches=3",
         "algorithm.value_network=separate", "algorithm.kl.controller=adaptive",
         "algorithm.kl.target=0.01", "algorithm.kl.horizon=100", "warmup.steps=3"},
        {"algorithm.preset=grpo", "algorithm.kl.coef=0.04", "algorithm.kl.reference=ema",
         "algorithm.kl.ema_decay=0.5", "optimizer.ema_decay=0.7"},
        {"algorithm.preset=rloo", "algorithm.kl.coef=0.1", "algorithm.kl.refresh_every=2",
         "algorithm.entropy_control=adaptive", "algorithm.entropy_target=3"},
        {"algorithm.preset=dapo", "rollout.top_p=0.9", "algorithm.supervised_coef=0.1",
         "optimizer.schedule=inverse_sqrt"}}) {
    INFO(algorithm[0]);
    const Workshop shop;
    CHECK(Trainer(shop.config("whole", algorithm)).run().exit_code == kExitDone);
    train_in_pieces(shop.config("pieces", algorithm));
    CHECK(record_of(shop / "pieces") == record_of(shop / "whole"));
  }
}

TEST_CASE("trainer: paused at any step it goes on to the bits of the uninterrupted run",
          "[train]") {
  const Workshop shop;
  const Settings settings = {"warmup.steps=3", "algorithm.preset=grpo", "optimizer.ema_decay=0.7"};
  Trainer(shop.config("whole", settings)).run();
  for (const int64_t until : {0, 1, 4, 4, 2, 5}) {
    const TrainOutcome outcome = Trainer(shop.config("paused", settings)).run(until);
    CHECK((outcome.is_paused && outcome.exit_code == kExitDone && outcome.step >= until));
  }
  const TrainOutcome last = Trainer(shop.config("paused", settings)).run(6);
  CHECK((!last.is_paused && last.step == 6));
  CHECK(record_of(shop / "paused") == record_of(shop / "whole"));
  // A process that has nothing left to do knows the values of the ones before it.
  const TrainOutcome again = Trainer(shop.config("paused", settings)).run(1);
  CHECK((!again.is_paused && again.step == 6));
  CHECK(again.reward == last.reward);
  CHECK(again.reward == column(shop / "whole", "reward").back());
  CHECK((again.eval_reward.has_value() && again.eval_reward == last.eval_reward));
}

TEST_CASE("trainer: every preset trains, on policy in its first update", "[train]") {
  for (const char* preset : {"reinforce", "rloo", "a2c", "ppo", "grpo", "dr_grpo", "dapo", "gspo",
                             "cispo", "reinforce_pp", "remax", "scst", "mrt"}) {
    INFO(preset);
    const Workshop shop;
    const auto config =
        shop.config("run", {"algorithm.preset=" + std::string(preset), "train.steps=3"});
    CHECK(Trainer(config).run().exit_code == kExitDone);
    for (const double gap : column(shop / "run", "sampling/sampling_logp_difference/max"))
      CHECK(gap < 1e-4);
    for (const double norm : column(shop / "run", "grad_norm")) CHECK(norm > 0);
  }
}

TEST_CASE("trainer: truncated sampling is replayed in the update", "[train]") {
  const Workshop shop;
  for (const Settings& sampling : {Settings{"rollout.top_k=3"},
                                   {"rollout.top_p=0.5"},
                                   {"rollout.min_p=0.9", "rollout.temperature=0.7"}}) {
    INFO(sampling[0]);
    Settings settings = sampling;
    settings.push_back("algorithm.kl.coef=0.1");
    const std::string name = sampling[0];
    Trainer(shop.config(name, settings)).run();
    for (const double gap : column(shop / name, "sampling/sampling_logp_difference/max"))
      CHECK(gap < 1e-4);
    // The reference is over the same ids: nothing before the first step.
    CHECK(std::abs(column(shop / name, "kl")[0]) < 1e-6);
    CHECK(column(shop / name, "kl")[5] > 0);
    // Over all 18 tokens it would be close to log 18 = 2.89.
    CHECK(column(shop / name, "entropy")[0] < 2.5);
  }
}

TEST_CASE("trainer: the start policy's file is verified on resume", "[train]") {
  const Workshop shop;
  const Settings settings = {"algorithm.kl.coef=0.1"};
  Trainer(shop.config("run", settings)).run();
  CHECK(std::filesystem::exists(shop / "run/start.safetensors"));
  std::filesystem::copy_file(shop / "run/checkpoints/latest/model.safetensors",
                             shop / "run/start.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  const auto resume = [&] {
    return test::message_of<DataError>([&] {
      Trainer(shop.config("run", {"algorithm.kl.coef=0.1", "train.steps=9"}));
    });
  };
  CHECK(contains(resume(), "start.safetensors: is not the file that the run was started with"));
  std::filesystem::remove(shop / "run/start.safetensors");
  CHECK(contains(resume(), "start.safetensors"));
}

TEST_CASE("trainer: a checkpoint as reference, refused when it cannot be one or has changed",
          "[train]") {
  const Workshop shop;
  Trainer(shop.config("teacher", {"run.seed=5"})).run();
  const std::string folder = shop / "teacher/checkpoints/latest";
  const Settings settings = {"algorithm.kl.coef=0.1", "algorithm.kl.reference=" + folder};
  Trainer(shop.config("run", settings)).run();
  CHECK(column(shop / "run", "kl")[0] > 1e-6);  // two seeds are two policies
  Settings more = settings;
  more.push_back("train.steps=9");
  std::filesystem::copy_file(shop / "run/checkpoints/latest/model.safetensors",
                             folder + "/model.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  CHECK(contains(test::message_of<DataError>([&] { Trainer(shop.config("run", more)); }),
                 "has changed since"));
  CHECK_THROWS_AS(Trainer(shop.config("none", {"algorithm.kl.coef=0.1",
                                               "algorithm.kl.reference=" + (shop / "nothing")})),
                  DataError);
  CHECK(!std::filesystem::exists(shop / "none"));
}

TEST_CASE("trainer: the bits do not depend on the number of threads", "[train]") {
  for (const std::string parallel : {"sequences", "operators"}) {
    const Workshop shop;
    const auto run = [&](const std::string& name, const std::string& threads) {
      Trainer(shop.config(name,
                          {"run.threads=" + threads, "warmup.steps=3", "run.parallel=" + parallel}))
          .run();
      return record_of(shop / name);
    };
    CHECK(run("one", "1") == run("three", "3"));
  }
}

TEST_CASE("trainer: a run goes on with the way its threads share the work, or not at all",
          "[train]") {
  const Workshop shop;
  Trainer(shop.config("run", {"run.parallel=operators"})).run();
  CHECK(contains(test::message_of<ConfigError>([&] { Trainer(shop.config("run")); }),
                 "run.parallel: operators -> sequences"));
  // What was "auto" is recorded as what it was.
  Trainer(shop.config("auto")).run();
  CHECK(contains(test::read_file(shop / "auto/config.yaml"), "parallel: sequences"));
  CHECK_NOTHROW(Trainer(shop.config("auto", {"run.parallel=sequences"})));
}

TEST_CASE(
    "trainer: from random weights it learns one target; with the advantage zeroed it does not",
    "[train][slow]") {
  const Workshop shop;
  test::write_file(shop / "one.jsonl", "{\"prompt\":\"say it\",\"target\":\"hello world\"}\n");
  const std::vector<std::string> task = {"data.train=" + (shop / "one.jsonl"),
                                         "data.eval=" + (shop / "one.jsonl"),
                                         "model.hidden_size=64",
                                         "model.embedding_size=32",
                                         "rollout.prompts_per_step=1",
                                         "rollout.samples_per_prompt=64",
                                         "rollout.max_new_tokens=16",
                                         "rollout.shard_size=32",
                                         "train.micro_batch=32",
                                         "optimizer.learning_rate=5e-3",
                                         "train.steps=300",
                                         "eval.every=300",
                                         "checkpoint.every=300"};
  const auto outcome = Trainer(shop.config("learns", task)).run();
  CHECK(*outcome.eval_reward > 0.9);
  auto control = task;
  control.push_back("algorithm.advantage_scale=0");
  control.push_back("train.steps=20");
  CHECK(*Trainer(shop.config("control", control)).run().eval_reward < 0.3);
}

TEST_CASE("trainer: another configuration in the same folder is refused and nothing changes",
          "[train]") {
  const Workshop shop;
  Trainer(shop.config("run")).run();
  const std::string before = record_of(shop / "run") + test::read_file(shop / "run/config.yaml");
  const auto message = test::message_of<ConfigError>(
      [&] { Trainer(shop.config("run", {"optimizer.learning_rate=0.5"})); });
  CHECK(contains(message, "optimizer.learning_rate: 0.001 -> 0.5"));
  CHECK(record_of(shop / "run") + test::read_file(shop / "run/config.yaml") == before);
}

TEST_CASE("trainer: a budget of tokens ends the run at the first step that reaches it", "[train]") {
  const Workshop shop;
  const auto outcome = Trainer(shop.config("budget", {"train.max_tokens=150"})).run();
  CHECK(outcome.exit_code == kExitDone);
  CHECK(outcome.step < 6);
  std::vector<int64_t> tokens;
  int64_t evaluated = -1;
  std::istringstream rows(test::read_file(shop / "budget/metrics.jsonl"));
  for (std::string line; std::getline(rows, line);) {
    const auto row = nlohmann::json::parse(line);
    if (row["phase"] == "train") tokens.push_back(row["num_tokens"]);
    if (row["phase"] == "eval") evaluated = row["step"];
  }
  REQUIRE(static_cast<int64_t>(tokens.size()) == outcome.step);
  CHECK(tokens.back() >= 150);
  CHECK((tokens.size() == 1 || tokens[tokens.size() - 2] < 150));
  CHECK(evaluated == outcome.step);
}

TEST_CASE("trainer: more steps extend a finished run", "[train]") {
  const Workshop shop;
  Trainer(shop.config("long", {"train.steps=9"})).run();
  Trainer(shop.config("extended")).run();
  const auto outcome = Trainer(shop.config("extended", {"train.steps=9"})).run();
  CHECK(outcome.step == 9);
  CHECK(record_of(shop / "extended") == record_of(shop / "long"));
}

TEST_CASE("trainer: changed data is refused on resume", "[train]") {
  const Workshop shop;
  Trainer(shop.config("run")).run();
  test::write_file(shop / "eval.jsonl", "{\"prompt\":\"1\",\"target\":\"ab\"}\n");
  CHECK(
      contains(test::message_of<DataError>([&] { Trainer(shop.config("run", {"train.steps=9"})); }),
               "has changed"));
}

TEST_CASE("trainer: targets beyond the limit, small vocabularies", "[train]") {
  const Workshop shop;
  const auto refuse = [&](const std::vector<std::string>& overrides) {
    return test::message_of<Error>([&] { Trainer(shop.config("run", overrides)); });
  };
  CHECK(contains(refuse({"rollout.max_new_tokens=5"}), "train.jsonl:4: the target has 6 tokens"));
  CHECK(contains(refuse({"model.vocab_size=9"}),
                 "--set model.vocab_size=9: error: model.vocab_size: is 9"));
  CHECK(contains(refuse({"rollout.max_new_tokens=1", "train.overlong=drop"}), "every target"));
  CHECK(!std::filesystem::exists(shop / "run"));
  CHECK(Trainer(shop.config("run", {"rollout.max_new_tokens=5", "train.overlong=drop"}))
            .run()
            .exit_code == kExitDone);
}

TEST_CASE(
    "trainer: non-finite steps are skipped, counted and end the run; the last checkpoint stays",
    "[train]") {
  const Workshop shop;
  const auto overflow =
      shop.config("bad", {"algorithm.advantage_scale=1e38", "algorithm.whiten_advantages=true"});
  CHECK(contains(test::message_of<DivergenceError>([&] { Trainer(overflow).run(); }),
                 "5 steps in a row"));
  CHECK(std::filesystem::exists(shop / "bad/checkpoints/latest/model.safetensors"));
}

TEST_CASE("trainer: links lost to a kill between rename and link come back", "[train]") {
  const Workshop shop;
  Trainer(shop.config("run")).run();
  const auto links = shop / "run/checkpoints/";
  const auto best = std::filesystem::read_symlink(links + "best");
  std::filesystem::remove(links + "best");
  std::filesystem::remove(links + "latest");
  Trainer(shop.config("run")).run();
  CHECK(std::filesystem::read_symlink(links + "latest") == "step-000006");
  if (best == "step-000006") CHECK(std::filesystem::read_symlink(links + "best") == best);
}

TEST_CASE("trainer: a first checkpoint without links becomes best and latest", "[train]") {
  const Workshop shop;
  Trainer(shop.config("run", {"train.steps=0"})).run();
  const auto links = shop / "run/checkpoints/";
  std::filesystem::remove(links + "best");
  std::filesystem::remove(links + "latest");
  Trainer(shop.config("run", {"train.steps=0"})).run();
  CHECK(std::filesystem::read_symlink(links + "best") == "step-000000");
  CHECK(std::filesystem::read_symlink(links + "latest") == "step-000000");
}

TEST_CASE("trainer: a folder with rows of another origin is refused and left as it is", "[train]") {
  const Workshop shop;
  std::filesystem::create_directory(shop / "foreign");
  test::write_file(shop / "foreign/metrics.jsonl", "{\"precious\":1}\n");
  CHECK(contains(test::message_of<ConfigError>([&] { Trainer(shop.config("foreign")); }),
                 "another origin"));
  CHECK(test::read_file(shop / "foreign/metrics.jsonl") == "{\"precious\":1}\n");
}

TEST_CASE("trainer: fewer steps than are done, and a foreign tokenizer, are refused", "[train]") {
  const Workshop shop;
  Trainer(shop.config("run")).run();
  CHECK(contains(
      test::message_of<ConfigError>([&] { Trainer(shop.config("run", {"train.steps=3"})); }),
      "finished 6 steps"));
}

TEST_CASE("trainer: of several targets the shortest counts, except for the warm-up", "[train]") {
  const Workshop shop;
  test::write_file(shop / "train.jsonl",
                   "{\"prompt\":\"1\",\"target\":[\"abcabcabcabc\",\"ab\"]}\n");
  CHECK(Trainer(shop.config("run", {"train.steps=1"})).run().exit_code == kExitDone);
  CHECK(contains(
      test::message_of<DataError>([&] { Trainer(shop.config("warm", {"warmup.steps=1"})); }),
      "13 tokens"));
}

TEST_CASE("trainer: measuring makes the steps of the run, without evaluations and checkpoints",
          "[train]") {
  const Workshop shop;
  Trainer(shop.config("whole", {"eval.every=0"})).run();
  std::vector<StepTimes> times;
  {
    Trainer trainer(shop.config("measured", {"eval.every=0"}));
    times = trainer.measure(3);
  }
  REQUIRE(times.size() == 3);
  const std::vector<double> rewards = column(shop / "whole", "reward");
  const std::vector<double> measured = column(shop / "measured", "reward");
  REQUIRE(measured.size() == 3);
  CHECK(measured == std::vector<double>(rewards.begin(), rewards.begin() + 3));
  CHECK(std::filesystem::is_empty(shop / "measured/checkpoints"));
  for (const StepTimes& step : times) {
    CHECK(step.tokens >= 20);
    for (const double seconds : {step.step, step.collect, step.decode, step.score, step.advantages,
                                 step.update, step.gradient, step.optimizer})
      CHECK(seconds > 0);
    CHECK(step.decode_flops > 0);
    CHECK(step.advantages_flops == 0);
    CHECK(step.update_flops > step.decode_flops);
  }
}

TEST_CASE("trainer: the update's operations are three passes an epoch, a reference's are one",
          "[train]") {
  const Workshop shop;
  for (const char* kind : {"gru", "lstm"})
    for (const int epochs : {1, 2}) {
      const std::string name = kind + std::to_string(epochs);
      Trainer trainer(
          shop.config(name, {std::string("model.kind=") + kind, "algorithm.kl.coef=0.1",
                             "algorithm.loss=ppo", "algorithm.epochs=" + std::to_string(epochs)}));
      const StepTimes step = trainer.measure(1).at(0);
      CHECK(step.advantages_flops > 0);
      CHECK(step.update_flops == Approx(3 * epochs * step.advantages_flops));
    }
}

TEST_CASE("trainer: greedy baselines and replaced groups count as decoding", "[train]") {
  const Workshop shop;
  const auto measured = [&](const std::string& name, const std::vector<std::string>& settings) {
    return Trainer(shop.config(name, settings)).measure(1).at(0);
  };
  const StepTimes plain = measured("plain", {"algorithm.baseline=batch_mean"});
  const StepTimes greedy = measured("greedy", {"algorithm.baseline=greedy"});
  CHECK(greedy.tokens > plain.tokens);
  CHECK(greedy.decode_flops > plain.decode_flops);
  CHECK(greedy.update_flops == plain.update_flops);  // the same samples
}

TEST_CASE("trainer: a value network of its own is read once and trained without a head",
          "[train]") {
  const Workshop shop;
  const std::vector<std::string> shared = {"algorithm.preset=a2c", "train.steps=1"};
  std::vector<std::string> separate = shared;
  separate.emplace_back("algorithm.value_network=separate");
  const StepTimes one = Trainer(shop.config("shared", shared)).measure(1).at(0);
  const StepTimes two = Trainer(shop.config("separate", separate)).measure(1).at(0);
  CHECK(one.advantages_flops == 0);
  CHECK(two.advantages_flops > 0);
  CHECK(two.update_flops == Approx(one.update_flops + 3 * two.advantages_flops));
}
