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

std::unique_ptr<Reward> make_reward(const std::vector<RewardPartOptions>& parts,
                                    const RewardContext& context = {}) {
  return std::make_unique<Reward>(parts, context);
}

RewardPartOptions part_of(const std::string& metric, double weight = 1.0) {
  RewardPartOptions part;
  part.metric = metric;
  part.weight = weight;
  return part;
}

std::unique_ptr<Reward> reward_of(const std::string& metric) {
  return make_reward({part_of(metric)});
}

// The metrics that need nothing but texts.
std::vector<std::string> text_metrics() {
  std::vector<std::string> names;
  for (const std::string& name : reward_metric_names())
    if (!similarity_metric_of(name).empty()) names.push_back(name);
  return names;
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

TEST_CASE("reward: every text metric is 1 for equal texts and 0 against nothing", "[reward]") {
  CHECK(text_metrics().size() == metric_names().size());
  for (const std::string& name : text_metrics()) {
    INFO(name);
    CHECK(score(name, "the red fox", "the red fox") == 1.0);
    CHECK(score(name, "the red fox", "") == 0.0);
    CHECK(score(name, "", "red fox") == 0.0);
  }
}

TEST_CASE("reward: scores of the originals become shares of the best", "[reward]") {
  // Of three words one is wrong: BLEU, chrF and TER count in percent, WER in shares.
  CHECK(close(score("ter_similarity", "a b c", "a x c"), 2.0 / 3.0));
  CHECK(close(score("wer_similarity", "a b c", "a x c"), 2.0 / 3.0));
  CHECK(close(score("cer_similarity", "abc", "axc"), 2.0 / 3.0));
  CHECK(score("wer_similarity", "a", "b c d e") == 0.0);  // the rate is 4
  // sacreBLEU's own values for this pair: 48.8923022435, 71.4224756303, 72.6591042886.
  const std::string target = "The cat sat on a mat.";
  const std::string text = "The cat sat on the mat.";
  CHECK(close(score("bleu", target, text), 0.488923022435));
  CHECK(close(score("chrf", target, text), 0.714224756303));
  CHECK(close(score("chrf++", target, text), 0.726591042886));
}

TEST_CASE("reward: scale, offset, clip and weight, in this order", "[reward]") {
  RewardPartOptions part;
  part.metric = "edit_similarity";
  part.weight = 10;
  part.scale = 2;
  part.offset = -0.5;
  part.clip_min = 0;
  part.clip_max = 0.9;
  part.name = "edits";
  const Record record = record_of({"abcd"});
  const Score half = make_reward({part})->score({{&record, "abxx"}}).front();
  CHECK(half.parts == std::vector<double>{0.5});  // 2 * 0.5 - 0.5
  CHECK(half.total == 5.0);
  CHECK(make_reward({part})->score({{&record, "abcd"}}).front().parts[0] == 0.9);  // of 1.5
  CHECK(make_reward({part})->score({{&record, "zzzz"}}).front().parts[0] == 0.0);  // of -0.5
  CHECK(make_reward({part})->part_names() == std::vector<std::string>{"edits"});
}

TEST_CASE("reward: a metric may be listed twice under two names", "[reward]") {
  RewardPartOptions strict = part_of("bleu");
  strict.name = "strict";
  RewardPartOptions lower = part_of("bleu");
  lower.name = "lower";
  lower.text.lowercase = true;
  const Record record = record_of({"A B C D"});
  const Score both = make_reward({strict, lower})->score({{&record, "a b c d"}}).front();
  CHECK(both.parts[0] == 0.0);
  CHECK(both.parts[1] == 1.0);
}

TEST_CASE("reward: the total is the weighted sum of the parts", "[reward]") {
  const auto reward = make_reward({part_of("edit_similarity", 2.0), part_of("exact_match", 0.5),
                                   part_of("prefix_similarity", -1.0)});
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
  const auto reward =
      make_reward({part_of("edit_similarity", 1.0), part_of("prefix_similarity", 1.0)});
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
  for (const std::string& name : text_metrics()) parts.push_back(part_of(name, 1.0 / 3.0));
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
                 "reward.0.metric: 'bleurt' is unknown; allowed: bleu, "));
  CHECK(contains(message_of<ConfigError>([] {
                   make_reward({part_of("exact_match", 1.0), part_of("exact_match", 2.0)});
                 }),
                 "reward.1.name: 'exact_match' is listed twice"));
  CHECK(contains(message_of<ConfigError>([] {
                   make_reward({part_of("exact_match", std::numeric_limits<double>::infinity())});
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
