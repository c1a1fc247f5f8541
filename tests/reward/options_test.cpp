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
  CHECK(parts[1].metric == "edit_similarity");
  CHECK(parts[1].weight == 1.0);
  const std::string message =
      test::message_of<ConfigError>([&] { load(root, {}, {"reward=[{metric: edit_similarty}]"}); });
  CHECK(test::contains(message, "edit_similarity"));
}

TEST_CASE("reward options: every metric name that is offered can be made", "[reward]") {
  for (const std::string& name : reward_metric_names())
    CHECK(make_reward({{name, 1.0}})->part_names() == std::vector<std::string>{name});
}

}  // namespace
}  // namespace pgtrain
