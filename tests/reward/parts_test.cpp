// The parts that are no text similarities.
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "reward/reward.h"
#include "support/log_capture.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::close;
using test::contains;
using test::message_of;

Record record_of(std::vector<std::string> targets, int64_t line = 1) {
  Record record;
  record.targets = std::move(targets);
  record.line = line;
  return record;
}

RewardPartOptions part_of(const std::string& metric) {
  RewardPartOptions part;
  part.metric = metric;
  return part;
}

Score score(const RewardPartOptions& part, const RewardInput& input,
            const RewardContext& context = {}) {
  return Reward({part}, context).score({input}).front();
}

double score_text(const RewardPartOptions& part, const std::string& completion) {
  static const Record record = record_of({"target"});
  return score(part, {&record, completion}).total;
}

TEST_CASE("overlong: no penalty, then a slope over the buffer, then the full one", "[reward]") {
  // DAPO, equation 13, with L_max = 10 and L_cache = 4.
  RewardPartOptions part = part_of("overlong");
  part.max_length = 10;
  part.buffer_length = 4;
  const Record record = record_of({"a"});
  const auto at = [&](int64_t length) { return score(part, {&record, "", true, length}).total; };
  CHECK(at(0) == 0.0);
  CHECK(at(6) == 0.0);
  CHECK(at(7) == -0.25);
  CHECK(at(9) == -0.75);
  CHECK(at(10) == -1.0);
  CHECK(at(1000) == -1.0);
}

TEST_CASE("overlong: equal to the golden of the formula, which TRL's own function confirmed",
          "[reward]") {
  const auto golden =
      nlohmann::json::parse(test::read_file("tests/golden/rl_family.json"))["overlong"];
  const Record record = record_of({"a"});
  for (const int64_t buffer : {4, 16}) {
    RewardPartOptions part = part_of("overlong");
    part.max_length = 16;
    part.buffer_length = buffer;
    for (size_t i = 0; i < golden["lengths"].size(); ++i)
      CHECK(close(score(part, {&record, "", true, golden["lengths"][i]}).total,
                  golden["16/" + std::to_string(buffer)][i]));
  }
}

TEST_CASE("overlong: takes its limit from generation, its buffer is then a fifth", "[reward]") {
  const Record record = record_of({"a"});
  const RewardContext context{{}, 50};
  CHECK(score(part_of("overlong"), {&record, "", true, 40}, context).total == 0.0);
  CHECK(close(score(part_of("overlong"), {&record, "", true, 41}, context).total, -0.1));
  CHECK(contains(message_of<ConfigError>([] { Reward({part_of("overlong")}); }), "max_length"));
}

TEST_CASE("missing_eos: -1 for a completion that was cut off", "[reward]") {
  const Record record = record_of({"a"});
  CHECK(score(part_of("missing_eos"), {&record, "a", true, 2}).total == 0.0);
  CHECK(score(part_of("missing_eos"), {&record, "a", false, 2}).total == -1.0);
}

TEST_CASE("distinct and repetition count n-grams of words, ideographs being words", "[reward]") {
  // Bigrams of "a b a b a": ab ba ab ba, 2 of 4 differ. Trigrams: aba bab aba, 2 of 3 differ.
  CHECK(score_text(part_of("distinct"), "a b a b a") == 0.5);
  CHECK(close(score_text(part_of("repetition"), "a b a b a"), 2.0 / 3.0 - 1.0));
  RewardPartOptions unigrams = part_of("distinct");
  unigrams.ngram_order = 1;
  CHECK(score_text(unigrams, "\u4F60\u4F60\u597D\u4F60") == 0.5);
  CHECK(score_text(part_of("repetition"), "") == 0.0);
}

TEST_CASE("blocklist: -1 for any listed word, and the note names all of them", "[reward]") {
  test::TempDir folder;
  test::write_file(folder / "words.txt", "# insults\nbad\n\nvery  Ugly\n\u574F\u86CB\n");
  RewardPartOptions part = part_of("blocklist");
  part.words_file = folder / "words.txt";
  const Record record = record_of({"a"});
  const auto at = [&](const std::string& text) { return score(part, {&record, text}); };
  CHECK(at("all is fine").total == 0.0);
  CHECK(at("all is fine").notes.empty());
  CHECK(at("so BAD, and very\tugly!").total == -1.0);
  CHECK(at("so BAD, and very\tugly!").notes ==
        std::vector<std::string>{"blocklist: bad, very  Ugly"});
  CHECK(at("badge, abad, bad's").total == 0.0);  // whole words only
  CHECK(at("_bad_, 'bad'").total == -1.0);
  CHECK(at("b\u0336a\u0336d\u0336").total == -1.0);  // struck through
  CHECK(at("\uFF22\uFF21\uFF24").total == -1.0);     // full width
  CHECK(at("b\u200Bad").total == -1.0);              // a zero-width space hides nothing
  CHECK(at("\u4ED6\u662F\u574F\u86CB\u5440").total == -1.0);
  part.words_file = folder / "missing.txt";
  CHECK_THROWS_AS(Reward({part}), DataError);
  test::write_file(folder / "empty.txt", "# nothing\n");
  part.words_file = folder / "empty.txt";
  CHECK(contains(message_of<DataError>([&] { Reward({part}); }), "lists no word"));
  test::write_file(folder / "latin1.txt", "fine\ncaf\xE9\n");
  part.words_file = folder / "latin1.txt";
  CHECK(contains(message_of<DataError>([&] { Reward({part}); }), "latin1.txt:2: is not UTF-8"));
}

TEST_CASE("format: the whole completion matches, or with full_match off a piece of it",
          "[reward]") {
  RewardPartOptions part = part_of("format");
  part.pattern = "\\p{Lu}.*[.!?]";
  CHECK(score_text(part, "Yes, that is it.") == 1.0);
  CHECK(score_text(part, "yes, That is it.") == 0.0);
  part.full_match = false;
  CHECK(score_text(part, "yes, That is it.") == 1.0);
  CHECK(score_text(part, "no") == 0.0);
  part.pattern = "(unclosed";
  CHECK(contains(message_of<ConfigError>([&] { Reward({part}); }),
                 "reward.0.pattern: '(unclosed' is no regular expression"));
}

TEST_CASE("format: a pattern that explodes ends as no match", "[reward]") {
  RewardPartOptions part = part_of("format");
  part.pattern = "(x+x+)+y";
  const Record record = record_of({"a"});
  const Score result = score(part, {&record, std::string(200, 'x')});
  CHECK(result.total == 0.0);
  CHECK(result.notes.size() == 1);
}

TEST_CASE("number: the last numbers are compared", "[reward]") {
  const Record record = record_of({"so 6 * 7 = 42", "or 1,234.5"});
  const auto at = [&](RewardPartOptions part, const std::string& text) {
    return score(part, {&record, text}).total;
  };
  const RewardPartOptions exact = part_of("number");
  CHECK(at(exact, "it is 42") == 1.0);
  CHECK(at(exact, "42.0") == 1.0);
  CHECK(at(exact, "1234.50 apples") == 1.0);
  CHECK(at(exact, "42 or 43") == 0.0);
  CHECK(at(exact, "-42") == 0.0);
  CHECK(at(exact, "none") == 0.0);
  RewardPartOptions near = exact;
  near.tolerance = 0.05;
  CHECK(at(near, "43") == 1.0);
  CHECK(at(near, "45") == 0.0);
}

TEST_CASE("number: a target without a number is found before training", "[reward]") {
  Dataset data;
  data.path = "data.jsonl";
  data.records = {record_of({"42"}, 1), record_of({"no idea"}, 2)};
  CHECK(
      contains(message_of<DataError>([&] { Reward({part_of("number")}).check(data); }),
               "data.jsonl:2: reward metric 'number' needs a number in the target, not 'no idea'"));
}

TEST_CASE("embedding_cosine: the best target by the angle of the embeddings", "[reward]") {
  const RewardContext context{[](std::string_view text) {
    return std::vector<float>{static_cast<float>(std::count(text.begin(), text.end(), 'a')),
                              static_cast<float>(std::count(text.begin(), text.end(), 'b'))};
  }};
  const Record record = record_of({"a", "bb"});
  const auto at = [&](const std::string& text) {
    return score(part_of("embedding_cosine"), {&record, text}, context).total;
  };
  CHECK(at("aaa") == 1.0);
  CHECK(close(at("ab"), std::sqrt(0.5)));
  CHECK(at("") == 0.0);
  CHECK(contains(message_of<ConfigError>([] { Reward({part_of("embedding_cosine")}); }),
                 "needs a policy"));
}

TEST_CASE("rouge: warns of targets that it cannot see", "[reward]") {
  Dataset data;
  data.path = "poems.jsonl";
  data.records = {record_of({"\u5E8A\u524D"}), record_of({"abc"})};
  const test::LogCapture log;
  Reward({part_of("rougeL")}).check(data);
  CHECK(contains(log.text(), "poems.jsonl: ROUGE sees only the letters a-z and digits; 1 of 2"));
}

}  // namespace
}  // namespace pgtrain
