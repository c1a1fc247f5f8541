#include "modelfile/lora_adapter.h"

#include <ATen/ATen.h>

#include <filesystem>

#include "core/error.h"
#include "modelfile/json_file.h"
#include "support/tensors.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::contains;
using test::TempDir;

const std::string kFolder = "tests/golden/modelfile/";

TEST_CASE("adapters of PEFT are read and merge to what PEFT merges", "[modelfile]") {
  for (const std::string name : {"lora_llama", "lora_gpt2"}) {
    INFO(name);
    const LoraAdapter adapter = read_lora_adapter(kFolder + name);
    const bool gpt2 = name == "lora_gpt2";
    CHECK(adapter.rank == (gpt2 ? 3 : 2));
    CHECK(adapter.alpha == 6);
    CHECK(adapter.use_rslora == gpt2);
    CHECK(adapter.fan_in_fan_out == gpt2);
    CHECK(test::close(adapter.scale(), gpt2 ? 6 / std::sqrt(3.0) : 3.0));
    CHECK(adapter.pairs.size() == (gpt2 ? 1 : 4));
    const TensorFile golden = TensorFile::open(kFolder + name + ".safetensors");
    CHECK(golden.names().size() == 2 * adapter.pairs.size());
    for (const LoraAdapter::Pair& pair : adapter.pairs) {
      INFO(pair.module);
      const at::Tensor before = golden.tensor("before." + pair.module + ".weight");
      const at::Tensor after = golden.tensor("after." + pair.module + ".weight");
      CHECK(test::close(merged(before, pair.a, pair.b, adapter.scale(), adapter.fan_in_fan_out),
                        after, test::kTolerance32));
    }
  }
}

TEST_CASE("a merge by hand", "[modelfile]") {
  const at::Tensor weight = at::ones({2, 3}, at::kDouble);
  const at::Tensor a = at::tensor({1.0, 2.0, 3.0}).view({1, 3});
  const at::Tensor b = at::tensor({10.0, 20.0}).view({2, 1});
  const at::Tensor expected = at::tensor({6.0, 11.0, 16.0, 11.0, 21.0, 31.0}).view({2, 3});
  CHECK(at::equal(merged(weight, a, b, 0.5, false), expected));
  CHECK(at::equal(merged(weight.t(), a, b, 0.5, true), expected.t()));
  CHECK(at::equal(weight, at::ones({2, 3}, at::kDouble)));
  CHECK(merged(weight.to(at::kBFloat16), a, b, 0.5, false).scalar_type() == at::kBFloat16);
  CHECK_THROWS_AS(merged(weight, a, b, 0.5, true), InternalError);
}

TEST_CASE("adapters make the round trip", "[modelfile]") {
  const TempDir dir;
  for (const std::string name : {"lora_llama", "lora_gpt2"}) {
    LoraAdapter adapter = read_lora_adapter(kFolder + name);
    adapter.base_model = "some/model";
    adapter.dropout = 0.25;
    const std::string folder = dir / name;
    write_lora_adapter(folder, adapter);
    // PEFT's own tensors byte for byte: the names and float32 values are the same.
    CHECK(test::read_file(folder + "/adapter_model.safetensors") ==
          test::read_file(kFolder + name + "/adapter_model.safetensors"));
    const LoraAdapter back = read_lora_adapter(folder);
    CHECK(back.base_model == "some/model");
    CHECK(back.dropout == 0.25);
    CHECK(back.rank == adapter.rank);
    CHECK(back.alpha == adapter.alpha);
    CHECK(back.use_rslora == adapter.use_rslora);
    CHECK(back.target_modules == adapter.target_modules);
    CHECK(back.pairs.size() == adapter.pairs.size());
  }
  LoraAdapter wrong = read_lora_adapter(kFolder + "lora_llama");
  wrong.rank = 5;
  CHECK_THROWS_AS(write_lora_adapter(dir / "wrong", wrong), InternalError);
  CHECK_FALSE(fs::exists(dir / "wrong"));
}

TEST_CASE("what would change the meaning of an adapter is refused", "[modelfile]") {
  const TensorFile tensors = TensorFile::open(kFolder + "lora_llama/adapter_model.safetensors");
  const Json config = read_json_object(kFolder + "lora_llama/adapter_config.json", 1 << 20);
  const auto with = [&](const char* key, const Json& value) {
    Json changed = config;
    changed[key] = value;
    return test::message_of<DataError>([&] { parse_lora_adapter(changed, "c.json", tensors); });
  };
  CHECK(with("r", 2) == "");
  CHECK(with("task_type", nullptr) == "");
  CHECK(with("lora_dropout", 0.5) == "");
  CHECK(with("rank_pattern", Json::object()) == "");
  CHECK(with("init_lora_weights", "gaussian") == "");
  CHECK(with("target_modules", {"self_attn.q_proj", "down_proj"}) == "");
  const std::vector<std::pair<const char*, Json>> refused = {{"peft_type", "IA3"},
                                                             {"task_type", "SEQ_CLS"},
                                                             {"bias", "all"},
                                                             {"use_dora", true},
                                                             {"lora_bias", true},
                                                             {"rank_pattern", {{"q_proj", 4}}},
                                                             {"alpha_pattern", {{"q_proj", 4}}},
                                                             {"modules_to_save", {"lm_head"}},
                                                             {"layers_to_transform", {0}},
                                                             {"layers_to_transform", 0},
                                                             {"exclude_modules", {"q_proj"}},
                                                             {"trainable_token_indices", {1}},
                                                             {"a_later_feature", 2},
                                                             {"init_lora_weights", "pissa"},
                                                             {"target_modules", ".*q_proj"},
                                                             {"target_modules", Json::array()},
                                                             {"target_modules", {1}},
                                                             {"target_modules", {""}},
                                                             {"target_modules", {"q_proj"}},
                                                             {"target_modules", {"_proj"}},
                                                             {"r", 3},
                                                             {"r", 0},
                                                             {"r", "2"},
                                                             {"lora_alpha", "x"},
                                                             {"lora_dropout", 1.0},
                                                             {"use_rslora", 1}};
  for (const auto& [key, value] : refused) {
    INFO(key << " " << value);
    CHECK_FALSE(with(key, value).empty());
  }
  CHECK(contains(with("use_dora", true), "c.json: \"use_dora\" is set"));
  CHECK(contains(with("target_modules", "all-linear"), "regular expression"));
}

TEST_CASE("the tensors of an adapter must be complete and fit", "[modelfile]") {
  const TempDir dir;
  const Json config = {{"peft_type", "LORA"}, {"r", 2}, {"target_modules", {"q"}}};
  const at::Tensor a = at::ones({2, 3});
  const at::Tensor b = at::ones({4, 2});
  const std::string m = "base_model.model.x.q.";
  const auto with = [&](const std::vector<NamedTensor>& tensors) {
    write_tensor_file(dir / "t", tensors);
    return test::message_of<DataError>(
        [&] { parse_lora_adapter(config, "c.json", TensorFile::open(dir / "t")); });
  };
  CHECK(with({{m + "lora_A.weight", a}, {m + "lora_B.weight", b}}) == "");
  CHECK(contains(with({{m + "lora_A.weight", a}}), "lora_B.weight\": is missing"));
  CHECK(contains(with({{m + "lora_B.weight", b}}), "lora_A.weight\": is missing"));
  CHECK(contains(with({}), "holds no tensors"));
  CHECK(contains(with({{m + "lora_A.weight", b}, {m + "lora_B.weight", b}}), "[r, in]"));
  CHECK(contains(with({{m + "lora_A.weight", a}, {m + "lora_B.weight", a}}), "[out, r]"));
  CHECK(contains(with({{m + "lora_A.weight", a.to(at::kLong)}, {m + "lora_B.weight", b}}),
                 "no real numbers"));
  CHECK(contains(with({{m + "lora_magnitude_vector", a}}), "is not of the form"));
  CHECK(contains(with({{"x.q.lora_A.weight", a}}), "is not of the form"));
  CHECK(contains(with({{"base_model.model.lora_A.weight", a}}), "is not of the form"));
  CHECK(contains(with({{"base_model.model.xq.lora_A.weight", a}}), "target_modules"));
}

TEST_CASE("an adapter as a pickle is refused", "[modelfile]") {
  const TempDir dir;
  test::write_file(dir / "adapter_config.json", "{}");
  test::write_file(dir / "adapter_model.bin", "");
  CHECK(contains(test::message_of<DataError>([&] { read_lora_adapter(dir.path()); }), "pickle"));
}

}  // namespace
}  // namespace pgtrain
