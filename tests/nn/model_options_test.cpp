#include "nn/model_options.h"

#include "config/load.h"
#include "core/error.h"
#include "nn/language_model.h"
#include "support/support.h"

using namespace pgtrain;

namespace {

std::string problems_of(const std::vector<std::string>& overrides) {
  ModelOptions options;
  Section root;
  describe(root.section("model", "the network"), options);
  std::vector<std::string> full;
  for (const std::string& item : overrides) full.push_back("model." + item);
  return test::message_of<ConfigError>([&] {
    load(root, {}, full, [&](Problems& problems) { check_model(options, "model", problems); });
  });
}

nlohmann::json llama_json() {
  return nlohmann::json::parse(R"({"model_type": "llama", "vocab_size": 32, "hidden_size": 16,
      "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4})");
}

std::string json_problem(nlohmann::json json, const char* key, const nlohmann::json& value) {
  json[key] = value;
  return test::message_of<DataError>([&] { model_options_from_json(json, "dir/config.json"); });
}

}  // namespace

TEST_CASE("model options: config.json round trip of recurrent networks", "[nn]") {
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

TEST_CASE("model options: config.json round trip of transformers", "[nn]") {
  ModelOptions options;
  options.vocab_size = 77;
  options.max_positions = 100;
  options.norm_epsilon = 1e-6;
  for (const std::string kind : {"gpt2", "llama", "mistral", "qwen2", "qwen3"}) {
    INFO(kind);
    options.kind = kind == "gpt2" ? "gpt2" : "llama";
    options.family = options.is_llama() ? kind : "llama";
    options.qkv_bias = kind == "qwen2" || kind == "llama";
    options.output_bias = options.mlp_bias = kind == "llama";
    options.qk_norm = kind == "qwen3";
    options.tie_embeddings = kind == "gpt2";
    options.sliding_window = options.is_llama() && kind != "llama" ? 9 : 0;
    options.num_kv_heads = options.is_llama() ? 2 : 0;
    options.head_dim = kind == "qwen3" ? 10 : 0;
    options.rope_scaling = {};
    options.rope_factors.clear();
    if (kind == "llama") {
      options.rope_scaling.type = "llama3";
      options.rope_scaling.factor = 8;
      options.rope_scaling.original_max_positions = 50;
      options.rope_factors.assign(32, 1.5);
    }
    if (kind == "qwen2") {
      options.rope_scaling.type = "yarn";
      options.rope_scaling.beta_fast = 16;
      options.rope_scaling.truncate = false;
      options.rope_scaling.mscale = 0.7;
    }
    const auto json = to_json(options);
    CHECK(json["model_type"] == kind);
    const ModelOptions back = model_options_from_json(json, "config.json");
    CHECK(to_json(back) == json);
    CHECK(back.kind == options.kind);
    CHECK(back.family == options.family);
    CHECK(back.qkv_bias == (options.is_llama() && options.qkv_bias));
    CHECK(back.output_bias == options.output_bias);
    CHECK(back.mlp_bias == options.mlp_bias);
    CHECK(back.qk_norm == options.qk_norm);
    CHECK(back.tie_embeddings == options.tie_embeddings);
    CHECK(back.sliding_window == options.sliding_window);
    CHECK(back.resolved_kv_heads() == options.resolved_kv_heads());
    CHECK(back.resolved_head_dim() == options.resolved_head_dim());
    CHECK(back.resolved_intermediate_size() == options.resolved_intermediate_size());
    CHECK(back.resolved_activation() == options.resolved_activation());
    CHECK(back.max_positions == 100);
    CHECK(back.norm_epsilon == 1e-6);
    CHECK(back.rope_scaling.type == options.rope_scaling.type);
    CHECK(back.rope_scaling.factor == options.rope_scaling.factor);
    CHECK(back.rope_scaling.beta_fast == options.rope_scaling.beta_fast);
    CHECK(back.rope_scaling.truncate == options.rope_scaling.truncate);
    CHECK(back.rope_factors == options.rope_factors);
    CHECK(parameter_count(back) == parameter_count(options));
  }
}

TEST_CASE("model options: both forms of rotary settings are read", "[nn]") {
  auto old_form = llama_json();
  old_form["rope_theta"] = 5e5;
  old_form["rope_scaling"] = {{"type", "linear"}, {"factor", 2.0}};
  auto new_form = llama_json();
  new_form["rope_parameters"] = {{"rope_type", "linear"}, {"rope_theta", 5e5}, {"factor", 2.0}};
  for (const auto& json : {old_form, new_form}) {
    const auto options = model_options_from_json(json, "x");
    CHECK(options.rope_theta == 5e5);
    CHECK(options.rope_scaling.type == "linear");
    CHECK(options.rope_scaling.factor == 2);
  }
  auto none = llama_json();
  none["rope_scaling"] = nullptr;
  none["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 1e6}};
  CHECK(model_options_from_json(none, "x").rope_scaling.type == "none");
  CHECK(model_options_from_json(none, "x").rope_theta == 1e6);
  auto contradiction = old_form;
  contradiction["rope_parameters"] = {{"rope_type", "yarn"}, {"factor", 2.0}};
  CHECK_THROWS_AS(model_options_from_json(contradiction, "x"), DataError);
}

TEST_CASE("model options: windows as the families of transformers define them", "[nn]") {
  auto json = llama_json();
  json["num_key_value_heads"] = 4;
  json["max_position_embeddings"] = 8192;
  const auto window = [&](const char* type, const nlohmann::json& more) {
    auto config = json;
    config["model_type"] = type;
    config["head_dim"] = 4;
    config.update(more);
    return model_options_from_json(config, "x").sliding_window;
  };
  CHECK(window("mistral", nlohmann::json::object()) == 4096);  // the class's default
  CHECK(window("mistral", {{"sliding_window", nullptr}}) == 0);
  CHECK(window("mistral", {{"sliding_window", 100}}) == 100);
  CHECK(window("mistral", {{"sliding_window", 8192}}) == 0);  // hides nothing
  CHECK(window("llama", {{"sliding_window", 100}}) == 0);     // Llama has none
  CHECK(window("qwen2", {{"sliding_window", 100}}) == 0);
  CHECK(window("qwen2", {{"sliding_window", 100}, {"use_sliding_window", true}}) == 0);
  const nlohmann::json windowed = {{"sliding_window", 100}, {"use_sliding_window", true}};
  auto all = windowed, some = windowed;
  all["max_window_layers"] = 0;
  some["max_window_layers"] = 1;
  CHECK(window("qwen3", all) == 100);
  CHECK_THROWS_AS(window("qwen3", some), DataError);
  all["layer_types"] = {"sliding_attention", "sliding_attention"};
  some["layer_types"] = {"sliding_attention", "full_attention"};
  CHECK(window("qwen3", all) == 100);
  CHECK_THROWS_AS(window("qwen3", some), DataError);
  CHECK(window("qwen3", {{"layer_types", {"full_attention", "full_attention"}}}) == 0);
}

TEST_CASE("model options: a wrong config.json is refused with file and key", "[nn]") {
  const auto good = to_json([] {
    ModelOptions options;
    options.vocab_size = 5;
    return options;
  }());
  const auto message = [&](const char* key, const nlohmann::json& value) {
    return json_problem(good, key, value);
  };
  CHECK(test::contains(message("hidden_size", "8"), "dir/config.json: 'hidden_size'"));
  CHECK(test::contains(message("hidden_size", 0), "allowed are 1 to"));
  CHECK(test::contains(message("vocab_size", 1e300), "'vocab_size'"));
  CHECK(test::contains(message("vocab_size", UINT64_MAX), "allowed are 1 to"));
  CHECK(test::contains(message("num_layers", -1), "'num_layers'"));
  CHECK(test::contains(message("model_type", "bert"), "bert"));
  CHECK(test::contains(message("model_type", 3), "'model_type'"));
  CHECK_THROWS_AS(model_options_from_json(nlohmann::json::array(), "x"), DataError);
}

TEST_CASE("model options: settings that change the results and are not known are refused by name",
          "[nn]") {
  const auto refused = [](nlohmann::json json, const char* key, const nlohmann::json& value,
                          const char* name) {
    INFO(key << " = " << value.dump());
    CHECK(test::contains(json_problem(std::move(json), key, value), name));
  };
  const auto llama = llama_json();
  const nlohmann::json gpt2 = {{"model_type", "gpt2"}, {"n_embd", 8}, {"n_head", 2}};
  CHECK_NOTHROW(model_options_from_json(gpt2, "x"));
  CHECK_NOTHROW(model_options_from_json(llama, "x"));
  refused(llama, "hidden_act", "gelu", "'hidden_act'");
  refused(llama, "attn_logit_softcapping", 50.0, "'attn_logit_softcapping'");
  refused(llama, "final_logit_softcapping", 30.0, "'final_logit_softcapping'");
  refused(llama, "num_local_experts", 8, "'num_local_experts'");
  refused(llama, "quantization_config", {{"bits", 4}}, "'quantization_config'");
  refused(llama, "partial_rotary_factor", 0.5, "'partial_rotary_factor'");
  refused(llama, "rope_scaling", {{"type", "dynamic"}, {"factor", 2.0}}, "dynamic");
  refused(llama, "rope_scaling", {{"rope_type", "longrope"}, {"factor", 2.0}}, "longrope");
  refused(llama, "rope_scaling", {{"rope_type", "linear"}}, "'rope_scaling.factor'");
  refused(llama, "rope_scaling", {{"rope_type", "llama3"}, {"factor", 2.0}}, "low_freq_factor");
  refused(llama, "rope_scaling", 3, "'rope_scaling'");
  refused(llama, "rope_parameters", {{"full_attention", {{"rope_type", "default"}}}},
          "'rope_parameters.full_attention'");
  refused(llama, "rope_parameters", {{"partial_rotary_factor", 0.25}}, "partial_rotary_factor");
  refused(llama, "num_attention_heads", 3, "'num_attention_heads'");
  refused(llama, "num_attention_heads", 16, "rotation needs an even number");
  refused(llama, "num_key_value_heads", 3, "'num_key_value_heads'");
  refused(llama, "head_dim", 3, "'head_dim'");
  refused(llama, "intermediate_size", -4, "'intermediate_size'");
  refused(llama, "rms_norm_eps", "x", "'rms_norm_eps'");
  refused(llama, "tie_word_embeddings", 1, "'tie_word_embeddings'");
  refused(llama, "pgtrain_rope_factors", {1.0}, "'pgtrain_rope_factors'");
  refused(llama, "pgtrain_rope_factors", {1.0, 0.0}, "'pgtrain_rope_factors'");
  refused(gpt2, "scale_attn_by_inverse_layer_idx", true, "'scale_attn_by_inverse_layer_idx'");
  refused(gpt2, "scale_attn_weights", false, "'scale_attn_weights'");
  refused(gpt2, "add_cross_attention", true, "'add_cross_attention'");
  refused(gpt2, "activation_function", "relu", "'activation_function'");
  refused(gpt2, "n_head", 3, "'n_head'");
  // What changes nothing here is passed over.
  auto harmless = llama;
  harmless["attention_dropout"] = 0.1;
  harmless["use_cache"] = false;
  harmless["something_new"] = {1, 2};
  harmless["num_local_experts"] = nullptr;
  CHECK_NOTHROW(model_options_from_json(harmless, "x"));
}

TEST_CASE("model options: keys that the kind does not read are refused where they are set",
          "[nn]") {
  CHECK(problems_of({"kind=gru"}).empty());
  CHECK(problems_of({"kind=llama", "num_kv_heads=2", "lora.rank=4", "lora.alpha=8"}).empty());
  CHECK(problems_of({"kind=gpt2", "activation=gelu"}).empty());
  CHECK(problems_of({"kind=pretrained", "path=models/x", "lora.rank=4"}).empty());
  const auto refused = [](const std::vector<std::string>& overrides, const char* text) {
    const std::string message = problems_of(overrides);
    INFO(message);
    CHECK(test::contains(message, text));
  };
  refused({"kind=gru", "num_heads=2"}, "model.num_heads: has no effect with kind 'gru'");
  refused({"kind=gru", "lora.rank=2"}, "model.lora.rank: has no effect with kind 'gru'");
  refused({"kind=llama", "embedding_size=9"}, "model.embedding_size: has no effect");
  refused({"kind=gpt2", "rope_theta=9"}, "model.rope_theta: has no effect with kind 'gpt2'");
  refused({"kind=gpt2", "rope_scaling.factor=2"}, "model.rope_scaling.factor: has no effect");
  refused({"kind=llama", "rope_scaling.factor=2"}, "has no effect with type 'none'");
  refused({"kind=llama", "lora.alpha=2"}, "has no effect with rank 0");
  refused({"kind=pretrained", "path=x", "hidden_size=2"}, "model.hidden_size: has no effect");
  refused({"kind=pretrained"}, "model.path: kind 'pretrained' needs");
  refused({"kind=llama", "path=x"}, "model.path: has no effect");
}

TEST_CASE("model options: sizes and parts that do not fit each other are refused", "[nn]") {
  const auto refused = [](const std::vector<std::string>& overrides, const char* text) {
    const std::string message = problems_of(overrides);
    INFO(message);
    CHECK(test::contains(message, text));
  };
  refused({"kind=llama", "num_heads=3"}, "model.num_heads: does not divide hidden_size (256)");
  refused({"kind=llama", "num_heads=256"}, "rotation needs an even number");
  refused({"kind=llama", "num_kv_heads=3"}, "model.num_kv_heads: does not divide num_heads (4)");
  refused({"kind=llama", "activation=gelu"}, "model.activation: must be silu");
  refused({"kind=gpt2", "activation=silu"}, "model.activation: must be gelu_new");
  refused({"kind=llama", "qk_norm=true"}, "'qwen3' has it");
  refused({"kind=llama", "qkv_bias=true"}, "model.output_bias");
  refused({"kind=llama", "sliding_window=5"}, "'mistral' has it");
  refused({"kind=llama", "family=qwen2"}, "model.qkv_bias: family 'qwen2' always has it");
  refused({"kind=llama", "family=qwen3"}, "model.qk_norm: family 'qwen3' always has it");
  refused({"kind=llama", "family=mistral", "mlp_bias=true"}, "model.mlp_bias");
  refused({"kind=llama", "rope_scaling={type: llama3, low_freq_factor: 5}"}, "high_freq_factor");
  refused({"kind=llama", "lora={rank: 2, target_modules: [c_attn]}"},
          "'c_attn' names no linear layer of kind 'llama'; known are q_proj, k_proj");
  refused({"kind=gpt2", "lora={rank: 2, target_modules: [mlp.c_proj, attn.c_fc]}"}, "'attn.c_fc'");
  refused({"kind=gpt2", "lora={rank: 2, target_modules: [h.1.mlp.c_proj]}"}, "'h.1.mlp.c_proj'");
}

TEST_CASE("model options: a described block loads into the network that it says", "[nn]") {
  ModelOptions options;
  Section root;
  describe(root.section("model", "the network"), options);
  load(root, {},
       {"model={kind: llama, family: qwen3, qk_norm: true, hidden_size: 16, num_heads: 2, "
        "head_dim: 10, vocab_size: 9, num_layers: 3, tie_embeddings: false, lora: {rank: 2, "
        "target_modules: [q_proj]}}"});
  const auto model = make_language_model(options);
  CHECK(model->parameters().size() == 6);
  int64_t count = 0;
  for (const auto& parameter : model->frozen_parameters()) count += parameter.tensor->numel();
  CHECK(count == parameter_count(options));
  CHECK(options.resolved_intermediate_size() == 64);  // 42.7 rounded up
}
