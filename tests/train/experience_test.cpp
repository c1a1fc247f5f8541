#include "train/experience.h"

#include <algorithm>
#include <set>

#include "support/support.h"
#include "support/tensors.h"

using namespace pgtrain;

namespace {

// Records whose prompt starts with 'f' are flat: no completion has a letter of their target, so all
// get 0.
struct Setting {
  ExperimentConfig config;
  Dataset data;
  std::unique_ptr<Policy> policy;
  Reward reward{{RewardPartOptions()}};

  // flat of every `every` records: 0 = none, 1 = all.
  explicit Setting(int every) {
    for (int i = 0; i < 40; ++i) {
      Record record;
      record.prompt = (every > 0 && i % every == 0 ? "f" : "v") + std::to_string(i);
      record.targets = {record.prompt[0] == 'f' ? "#" : "abc0123"};
      data.records.push_back(record);
    }
    auto tokenizer = build_tokenizer({"char", 0, ""}, {std::string_view("abcfv0123456789")});
    ModelOptions model;
    model.vocab_size = tokenizer->vocab_size();
    model.embedding_size = 4;
    model.hidden_size = 8;
    policy = std::make_unique<Policy>(std::move(tokenizer), model, ValueNetwork::kNone, 1);
    config.rollout.prompts_per_step = 6;
    config.rollout.samples_per_prompt = 4;
    config.rollout.max_new_tokens = 12;
  }

  Experience collect(int threads = 2, uint64_t step = 0) const {
    WorkerPool pool(threads);
    PromptCursor cursor(data.size(), 1, Purpose::kShuffle);
    return Collector(config, *policy, pool, data, reward).collect(cursor, step);
  }
};

bool is_flat(const Setting& setting, int64_t record) {
  return setting.data.records[static_cast<size_t>(record)].prompt[0] == 'f';
}

int64_t flat_groups(const Setting& setting, const Experience& experience) {
  return std::count_if(experience.rollout.records.begin(), experience.rollout.records.end(),
                       [&](int64_t record) { return is_flat(setting, record); });
}

}  // namespace

TEST_CASE("collector: without resampling flat groups stay", "[train]") {
  const Setting setting(2);
  const auto experience = setting.collect();
  CHECK(experience.rollout.size() == 24);
  CHECK(experience.resample_rounds == 0);
  CHECK(flat_groups(setting, experience) > 0);
  int64_t tokens = 0;
  for (const auto& completion : experience.rollout.completions)
    tokens += completion.sequence.completion_length();
  CHECK(experience.generated_tokens == tokens);
}

TEST_CASE("collector: resampling replaces groups without spread by further prompts", "[train]") {
  Setting setting(2);
  setting.config.algorithm.resample_rounds = 10;
  const auto experience = setting.collect();
  CHECK(experience.rollout.size() == 24);
  CHECK(flat_groups(setting, experience) == 0);
  CHECK(experience.resample_rounds >= 1);
  CHECK(experience.replaced_groups >= 1);
  const std::set<int64_t> different(experience.rollout.records.begin(),
                                    experience.rollout.records.end());
  CHECK(different.size() == 6);
  int64_t tokens = 0;
  for (const auto& completion : experience.rollout.completions)
    tokens += completion.sequence.completion_length();
  CHECK(experience.generated_tokens > tokens);
  // Rewards, texts and completions moved together.
  for (int64_t i = 0; i < 24; ++i) {
    const Record& record = setting.data[experience.rollout.record_of(i)];
    const std::string& text = experience.rollout.texts[static_cast<size_t>(i)];
    RewardInput input;
    input.record = &record;
    input.completion = text;
    CHECK(experience.rewards[i].item<double>() ==
          Approx(setting.reward.score({input})[0].total).epsilon(1e-6));
    CHECK(text == completion_text(setting.policy->tokenizer(),
                                  experience.rollout.completions[static_cast<size_t>(i)]));
  }
}

TEST_CASE("collector: the rounds are bounded, and a step keeps its size", "[train]") {
  Setting setting(1);
  setting.config.algorithm.resample_rounds = 2;
  const auto experience = setting.collect();
  CHECK(experience.rollout.size() == 24);
  CHECK(experience.resample_rounds == 2);
  CHECK(experience.replaced_groups == 12);
  CHECK(flat_groups(setting, experience) == 6);
}

TEST_CASE("collector: the same with any number of threads, other draws in another step",
          "[train]") {
  Setting setting(3);
  setting.config.algorithm.resample_rounds = 3;
  const auto one = setting.collect(1);
  const auto three = setting.collect(3);
  CHECK(one.rollout.texts == three.rollout.texts);
  CHECK(one.rollout.records == three.rollout.records);
  CHECK(setting.collect(1, 1).rollout.texts != one.rollout.texts);
}

TEST_CASE("collector: the greedy baseline is one completion a prompt", "[train]") {
  Setting setting(0);
  setting.config.algorithm.baseline = "greedy";
  const auto experience = setting.collect();
  REQUIRE(experience.greedy_rewards.sizes() == at::IntArrayRef({6}));
  setting.config.rollout.samples_per_prompt = 1;
  CHECK(test::same_bits(setting.collect().greedy_rewards, experience.greedy_rewards));
}

TEST_CASE("experience: tensors of a rollout, by hand", "[train]") {
  Rollout rollout;
  rollout.records = {0, 1};
  Completion a, b;
  a.sequence = {{1, 5, 6, 2}, 2};
  a.log_probs = {-1, -2};
  a.values = {0.5F, 0.25F};
  a.finished = true;
  b.sequence = {{1, 5}, 1};
  b.log_probs = {-3};
  b.values = {0.75F};
  rollout.completions = {a, b};
  rollout.scores = {{1.5, {1, 0.5}, {}}, {2, {2, 0}, {}}};
  const auto mask = completion_mask(sequences_of(rollout).sequences);
  CHECK(test::same_bits(sampled_log_probs(rollout, mask),
                        torch::tensor({{-1.F, -2.F}, {-3.F, 0.F}})));
  CHECK(test::same_bits(sampled_values(rollout, mask), torch::tensor({{.5F, .25F}, {.75F, 0.F}})));
  CHECK(test::same_bits(finished_mask(rollout, mask), torch::tensor({{1.F, 1.F}, {0.F, 0.F}})));
  CHECK(test::same_bits(rewards_of(rollout), torch::tensor({1.5F, 2.F})));
  CHECK(test::same_bits(parts_of(rollout), torch::tensor({{1.F, .5F}, {2.F, 0.F}})));
  CHECK(sequences_of(rollout).kept.empty());
}
