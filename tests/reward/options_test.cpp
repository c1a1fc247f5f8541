#include "config/load.h"
#include "core/error.h"
#include "reward/reward.h"
#include "support/support.h"

namespace pgtrain {
namespace {

TEST_CASE("reward options: a list of parts, each with a known metric", "[reward]") {
  std::vector<RewardPartOptions> parts = {{}};
  Section root;
  root.list("reward", parts, "parts of the reward");
  load(root, {}, {"reward=[{metric: exact_match, weight: -0.5}, {}]"});
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].metric == "exact_match");
  CHECK(parts[0].weight == -0.5);
  CHECK(parts[1].metric == "auto");
  CHECK(parts[1].resolved_metric() == "edit_similarity");
  CHECK(parts[1].weight == 1.0);
  const std::string message =
      test::message_of<ConfigError>([&] { load(root, {}, {"reward=[{metric: edit_similarty}]"}); });
  CHECK(test::contains(message, "edit_similarity"));
}

std::string problems_of(const std::string& reward) {
  std::vector<RewardPartOptions> parts;
  Section root;
  root.list("reward", parts, "parts of the reward");
  return test::message_of<ConfigError>([&] {
    load(root, {}, {"reward=" + reward}, [&](Problems& problems) { check(parts, problems); });
  });
}

TEST_CASE("reward options: what makes no sense is refused with its key", "[reward]") {
  CHECK(problems_of("[{metric: chrf, beta: 1}, {command: [python3, x.py]}]").empty());
  CHECK(test::contains(problems_of("[]"), "needs at least one part"));
  CHECK(test::contains(problems_of("[{metric: chrf, tokenize: zh}]"),
                       "reward.0.tokenize: has no effect with metric 'chrf'"));
  CHECK(test::contains(problems_of("[{metric: edit_similarity, command: [x]}]"),
                       "reward.0.command: has no effect with metric 'edit_similarity'"));
  CHECK(test::contains(problems_of("[{metric: chrf, tokenize: 13a}]"), "has no effect"));
  CHECK(test::contains(problems_of("[{metric: bleu, smooth_value: 0.5}]"), "belongs to"));
  CHECK(test::contains(problems_of("[{metric: ter_similarity, asian_support: true}]"),
                       "without 'normalized' or 'no_punct'"));
  CHECK(test::contains(problems_of("[{metric: blocklist}]"), "needs 'words_file'"));
  CHECK(test::contains(problems_of("[{metric: format}]"), "needs 'pattern'"));
  CHECK(test::contains(problems_of("[{metric: command}]"), "needs 'command'"));
  CHECK(test::contains(problems_of("[{metric: bleu}, {metric: bleu}]"),
                       "'bleu' is the name of reward.0 already"));
  CHECK(test::contains(problems_of("[{metric: overlong, max_length: 5, buffer_length: 6}]"),
                       "is more than max_length"));
  CHECK(test::contains(problems_of("[{clip_min: 1, clip_max: 0}]"), "is more than clip_max"));
  CHECK(test::contains(problems_of("[{metric: bleu, max_ngram_order: 0}]"), "max_ngram_order"));
}

TEST_CASE("reward options: a part without metric is a command when it has one", "[reward]") {
  RewardPartOptions part;
  CHECK(part.resolved_name() == "edit_similarity");
  part.command = {"scorer"};
  CHECK(part.resolved_metric() == "command");
  part.name = "mine";
  CHECK(part.resolved_name() == "mine");
}

}  // namespace
}  // namespace pgtrain
