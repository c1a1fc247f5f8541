#include "config/explain.h"

#include <nlohmann/json.hpp>

#include "sample_options.h"

namespace pgtrain::test {
namespace {

TEST_CASE("explain: one key", "[config]") {
  Sample sample;
  CHECK(explain(sample.root, "train.steps") ==
        "train.steps: integer at least 1; default 200\n    policy-gradient steps\n");
  CHECK(explain(sample.root, "data.train") ==
        "data.train: text; required\n    records to train on\n");
  CHECK(contains(explain(sample.root, "tokenizer.kind"),
                 "tokenizer.kind: one of char, byte, word; default char"));
  CHECK(
      contains(explain(sample.root, "algorithm.preset"), "preset: one of rloo, ppo; default rloo"));
  CHECK(contains(explain(sample.root, "train.dropout"),
                 "number at least 0 and below 1; default 0.0"));
  CHECK(contains(explain(sample.root, "train.tags"), "list of texts; default [a, b]"));
  CHECK(contains(explain(sample.root, "train.whiten"), "boolean; default false"));
}

TEST_CASE("explain: blocks, lists and everything", "[config]") {
  Sample sample;
  const std::string train = explain(sample.root, "train");
  CHECK(contains(train, "train: block\n    the loop\ntrain.steps: integer"));
  CHECK_FALSE(contains(train, "optimizer"));
  CHECK(contains(explain(sample.root, "reward"), "reward: list of blocks; default: 1 element\n"));
  CHECK(contains(explain(sample.root, "reward"), "reward.N.weight: number; default 1.0"));
  CHECK(explain(sample.root, "reward.N.weight") == explain(sample.root, "reward.0.weight"));
  const std::string all = explain(sample.root, "");
  for (const char* key : {"data.train:", "train.steps:", "reward.N.metric:", "algorithm.kl.coef:",
                          "optimizer: block"})
    CHECK(contains(all, key));
}

TEST_CASE("explain: unknown keys", "[config]") {
  Sample sample;
  const auto error = [&](const std::string& key) {
    return message_of<ConfigError>([&] { explain(sample.root, key); });
  };
  CHECK(error("train.stepz") == "unknown key 'train.stepz'; did you mean 'train.steps'?");
  CHECK(contains(error("steps"), "this key exists as 'train.steps'"));
  CHECK(contains(error("trian"), "did you mean 'train'?"));
  CHECK(contains(error("train.steps.x"), "unknown key 'train.steps.x'"));
  CHECK(contains(error("train."), "unknown key 'train.'"));
  CHECK(contains(error("."), "unknown key"));
  CHECK(contains(error("reward.0.wieght"), "did you mean 'reward.N.weight'?"));
}

TEST_CASE("json schema: draft 7 with types, limits, defaults and required keys", "[config]") {
  Sample sample;
  const auto schema = nlohmann::json::parse(json_schema(sample.root, "pgtrain"));
  CHECK(schema["$schema"] == "http://json-schema.org/draft-07/schema#");
  CHECK(schema["title"] == "pgtrain");
  CHECK(schema["type"] == "object");
  CHECK(schema["additionalProperties"] == false);
  CHECK(schema["required"] == nlohmann::json({"data"}));
  CHECK(schema["properties"]["data"]["required"] == nlohmann::json({"train"}));
  CHECK_FALSE(schema["properties"]["data"]["properties"]["train"].contains("default"));
  const auto& train = schema["properties"]["train"]["properties"];
  CHECK(schema["properties"]["train"]["additionalProperties"] == false);
  CHECK(train["steps"] == nlohmann::json({{"type", "integer"},
                                          {"description", "policy-gradient steps"},
                                          {"minimum", 1},
                                          {"default", 200}}));
  CHECK((train["dropout"]["minimum"] == 0 && train["dropout"]["exclusiveMaximum"] == 1));
  CHECK(train["whiten"]["type"] == "boolean");
  CHECK(train["tags"]["items"]["type"] == "string");
  CHECK(train["tags"]["default"] == nlohmann::json({"a", "b"}));
  const auto& optimizer = schema["properties"]["optimizer"]["properties"];
  CHECK(optimizer["learning_rate"]["exclusiveMinimum"] == 0.0);
  CHECK(optimizer["schedule"]["enum"] == nlohmann::json({"constant", "linear"}));
  CHECK(optimizer["schedule"]["default"] == "constant");
  const auto& reward = schema["properties"]["reward"];
  CHECK(reward["type"] == "array");
  CHECK(reward["items"]["additionalProperties"] == false);
  CHECK(reward["default"][0]["metric"] == "edit_similarity");
  CHECK(schema["properties"]["algorithm"]["properties"]["kl"]["properties"]["coef"]["type"] ==
        "number");
}

}  // namespace
}  // namespace pgtrain::test
