#include "nn/model_options.h"

#include "core/error.h"
#include "support/support.h"

using namespace pgtrain;

TEST_CASE("model options: config.json round trip", "[nn]") {
  ModelOptions options;
  options.kind = "lstm";
  options.vocab_size = 77;
  options.num_layers = 3;
  const ModelOptions back = model_options_from_json(to_json(options), "config.json");
  CHECK(back.kind == "lstm");
  CHECK(back.vocab_size == 77);
  CHECK(back.num_layers == 3);
  CHECK(back.hidden_size == options.hidden_size);
}

TEST_CASE("model options: a wrong config.json is refused with file and key", "[nn]") {
  const auto good = to_json([] {
    ModelOptions options;
    options.vocab_size = 5;
    return options;
  }());
  const auto message = [&](const char* key, const nlohmann::json& value) {
    auto json = good;
    json[key] = value;
    return test::message_of<DataError>([&] { model_options_from_json(json, "dir/config.json"); });
  };
  CHECK(test::contains(message("hidden_size", "8"), "dir/config.json: 'hidden_size'"));
  CHECK(test::contains(message("hidden_size", 0), "allowed are 1 to"));
  CHECK(test::contains(message("vocab_size", 1e300), "'vocab_size'"));
  CHECK(test::contains(message("num_layers", -1), "'num_layers'"));
  CHECK(test::contains(message("model_type", "bert"), "bert"));
  CHECK(test::contains(message("model_type", 3), "'model_type'"));
  CHECK_THROWS_AS(model_options_from_json(nlohmann::json::array(), "x"), DataError);
}
