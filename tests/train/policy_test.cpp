#include "train/policy.h"

#include <string_view>

#include "core/error.h"
#include "support/models.h"
#include "support/tensors.h"

using namespace pgtrain;

namespace {

std::unique_ptr<Policy> make_policy(const std::string& kind, ValueNetwork value) {
  auto tokenizer = build_tokenizer({"char", 0, ""}, {std::string_view("abc 数字")});
  return std::make_unique<Policy>(std::move(tokenizer), test::tiny_options(kind, 20, 2), value, 5);
}

}  // namespace

TEST_CASE("policy: written and opened again it is the same", "[train]") {
  for (const char* kind : {"gru", "lstm"})
    for (const auto value : {ValueNetwork::kNone, ValueNetwork::kShared, ValueNetwork::kSeparate}) {
      const test::TempDir dir;
      const auto policy = make_policy(kind, value);
      policy->write(dir.path());
      const TensorFile weights = TensorFile::open(dir / "model.safetensors");
      for (const std::string& name : weights.names())
        CHECK_FALSE(test::contains(name, "value"));  // others read that file, too
      const auto opened = Policy::open(dir.path());
      CHECK(test::same_bits(opened->parameters().values(), policy->parameters().values()));
      CHECK((opened->value_head() != nullptr) == (value == ValueNetwork::kShared));
      CHECK((opened->network().value_model != nullptr) == (value == ValueNetwork::kSeparate));
      CHECK(opened->model().options().kind == kind);
      CHECK(opened->tokenizer().encode("b数") == policy->tokenizer().encode("b数"));
    }
}

TEST_CASE("policy: damaged folders are refused with the file and the reason", "[train]") {
  const test::TempDir dir;
  make_policy("gru", ValueNetwork::kNone)->write(dir.path());
  const auto open = [&] { return test::message_of<DataError>([&] { Policy::open(dir.path()); }); };
  const std::string config = test::read_file(dir / "config.json");
  test::write_file(dir / "config.json", "{");
  CHECK(test::contains(open(), "config.json: is not valid JSON"));
  auto json = nlohmann::json::parse(config);
  json["hidden_size"] = 1 << 20;  // must not allocate for a lie
  test::write_file(dir / "config.json", json.dump());
  CHECK(test::contains(open(), "parameters, a model as in"));
  json = nlohmann::json::parse(config);
  json["num_layers"] = 1;
  test::write_file(dir / "config.json", json.dump());
  CHECK(test::contains(open(), "parameters, a model as in"));
  json = nlohmann::json::parse(config);
  json["vocab_size"] = 3;
  test::write_file(dir / "config.json", json.dump());
  CHECK(test::contains(open(), "parameters, a model as in"));
  test::write_file(dir / "config.json", config);
  CHECK(open().empty());
  std::filesystem::remove(dir / "tokenizer.json");
  CHECK(test::contains(open(), "tokenizer.json"));
}
