#include "reward/reward.h"

#include <limits>
#include <random>
#include <thread>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::close;
using test::contains;
using test::message_of;

Record record_of(std::vector<std::string> targets) {
  Record record;
  record.targets = std::move(targets);
  return record;
}

std::unique_ptr<Reward> reward_of(const std::string& metric) {
  return make_reward({{metric, 1.0}});
}

double score(const std::string& metric, const std::string& target, std::string_view completion) {
  const Record record = record_of({target});
  return reward_of(metric)->score({{&record, completion}}).front().total;
}

TEST_CASE("reward: every metric by hand", "[reward]") {
  // kitten / sitting: Levenshtein 3, longest 7, common subsequence "ittn" (4), no common beginning.
  CHECK(close(score("edit_similarity", "kitten", "sitting"), 4.0 / 7.0));
  CHECK(close(score("indel_similarity", "kitten", "sitting"), 8.0 / 13.0));
  CHECK(close(score("lcs_similarity", "kitten", "sitting"), 4.0 / 7.0));
  CHECK(score("prefix_similarity", "kitten", "sitting") == 0.0);
  CHECK(score("prefix_similarity", "kitten", "kit") == 0.5);
  CHECK(score("exact_match", "kitten", "kitten") == 1.0);
  CHECK(score("exact_match", "kitten", "Kitten") == 0.0);
  // ca / abc: OSA 3, Damerau 2, longest 3.
  CHECK(score("osa_similarity", "ca", "abc") == 0.0);
  CHECK(close(score("damerau_similarity", "ca", "abc"), 1.0 / 3.0));
  // Code points, not bytes: one of two ideographs differs.
  CHECK(score("edit_similarity", "\xE4\xBD\xA0\xE5\xA5\xBD", "\xE4\xBD\xA0\xE4\xBB\xAC") == 0.5);
}

TEST_CASE("reward: every metric is 1 for equal and for two empty texts, 0 against nothing",
          "[reward]") {
  CHECK(reward_metric_names().size() == 7);
  for (const std::string& name : reward_metric_names()) {
    INFO(name);
    CHECK(score(name, "abc", "abc") == 1.0);
    CHECK(score(name, "", "") == 1.0);
    CHECK(score(name, "abc", "") == 0.0);
    CHECK(score(name, "", "abc") == 0.0);
  }
}

TEST_CASE("reward: the total is the weighted sum of the parts", "[reward]") {
  const auto reward =
      make_reward({{"edit_similarity", 2.0}, {"exact_match", 0.5}, {"prefix_similarity", -1.0}});
  CHECK(reward->part_names() ==
        std::vector<std::string>{"edit_similarity", "exact_match", "prefix_similarity"});
  const Record record = record_of({"abcd"});
  const auto scores = reward->score({{&record, "abxd"}, {&record, "abcd"}});
  REQUIRE(scores.size() == 2);
  CHECK(scores[0].parts == std::vector<double>{0.75, 0.0, 0.5});
  CHECK(close(scores[0].total, 2.0 * 0.75 + 0.5 * 0.0 - 0.5));
  CHECK(scores[1].parts == std::vector<double>{1.0, 1.0, 1.0});
  CHECK(close(scores[1].total, 1.5));
}

TEST_CASE("reward: the best of several targets counts, for each part by itself", "[reward]") {
  const Record record = record_of({"xbcd", "aby"});
  const auto reward = make_reward({{"edit_similarity", 1.0}, {"prefix_similarity", 1.0}});
  const auto scores = reward->score({{&record, "abcd"}});
  CHECK(scores[0].parts == std::vector<double>{0.75, 0.5});
}

TEST_CASE("reward: completions that are not UTF-8 are scored after replacement", "[reward]") {
  CHECK(score("edit_similarity", "a\xEF\xBF\xBD", "a\xFF") == 1.0);
  CHECK(score("edit_similarity", "ab", "a\xFF") == 0.5);
}

TEST_CASE("reward: a batch gives what its inputs give one by one, in any order and on any thread",
          "[reward]") {
  std::mt19937 random(2);
  const auto text = [&] {
    std::string letters;
    for (size_t n = random() % 80; n > 0; --n) letters += static_cast<char>('a' + random() % 4);
    return letters;
  };
  std::vector<RewardPartOptions> parts;
  for (const std::string& name : reward_metric_names()) parts.push_back({name, 1.0 / 3.0});
  const auto reward = make_reward(parts);
  std::vector<Record> records;
  for (int i = 0; i < 6; ++i)
    records.push_back(record_of(i % 2 ? std::vector<std::string>{text()}
                                      : std::vector<std::string>{text(), text()}));
  std::vector<std::string> completions;
  for (int i = 0; i < 60; ++i) completions.push_back(text());
  std::vector<RewardInput> batch;
  for (size_t i = 0; i < completions.size(); ++i)
    batch.push_back({&records[i < 30 ? i / 5 : random() % 6], completions[i]});
  std::vector<std::vector<Score>> results(3);
  std::vector<std::thread> threads;
  for (auto& result : results) threads.emplace_back([&] { result = reward->score(batch); });
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) {
    REQUIRE(result.size() == batch.size());
    for (size_t i = 0; i < batch.size(); ++i) {
      const Score alone = reward->score({batch[i]}).front();
      CHECK(result[i].total == alone.total);
      CHECK(result[i].parts == alone.parts);
    }
  }
  CHECK(reward->score({}).empty());
}

TEST_CASE("reward: lists that make no sense are refused", "[reward]") {
  CHECK(contains(message_of<ConfigError>([] { make_reward({}); }), "at least one part"));
  CHECK(contains(message_of<ConfigError>([] { reward_of("bleurt"); }),
                 "\"bleurt\" is unknown; allowed: edit_similarity, "));
  CHECK(contains(message_of<ConfigError>([] {
                   make_reward({{"exact_match", 1.0}, {"exact_match", 2.0}});
                 }),
                 "exact_match is listed twice"));
  CHECK(contains(message_of<ConfigError>([] {
                   make_reward({{"exact_match", std::numeric_limits<double>::infinity()}});
                 }),
                 "not finite"));
}

TEST_CASE("reward: inputs without record or target are bugs", "[reward]") {
  const auto reward = reward_of("exact_match");
  const Record empty;
  CHECK_THROWS_AS(reward->score({{&empty, "a"}}), InternalError);
  CHECK_THROWS_AS(reward->score({{nullptr, "a"}}), InternalError);
}

}  // namespace
}  // namespace pgtrain
