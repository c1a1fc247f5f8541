// Logits, greedy texts and gradients of transformers 5.23 and peft 0.21
// (scripts/make_transformer_goldens.py).
#include "nn/transformer_model.h"
#include "support/models.h"
#include "support/tensor_golden.h"

using namespace pgtrain;
using Tensors = std::map<std::string, at::Tensor>;

namespace {

constexpr double kMaxLogitDifference = 2e-4;  // absolute, beside the relative tolerance

const nlohmann::json& cases() {
  static const nlohmann::json json = test::golden("transformers.json");
  return json;
}

const Tensors& tensors() {
  static const Tensors all = test::golden_tensors("transformers.safetensors");
  return all;
}

// Values of the tensors whose names are prefix + a parameter's; counts those that were found.
void fill(const std::vector<LanguageModel::Parameter>& parameters, const Tensors& from,
          const std::string& prefix) {
  const torch::NoGradGuard guard;
  for (const auto& parameter : parameters) {
    INFO(prefix << parameter.name);
    const auto found = from.find(prefix + parameter.name);
    REQUIRE(found != from.end());
    REQUIRE(found->second.sizes() == parameter.tensor->sizes());
    parameter.tensor->copy_(found->second);
  }
}

std::unique_ptr<LanguageModel> golden_model(const std::string& name, const LoraOptions& lora = {}) {
  const bool stories = name == "stories260K";
  const auto config =
      stories ? test::golden("stories260K-hf/config.json") : cases()["models"][name]["config"];
  ModelOptions options = model_options_from_json(config, name);
  options.lora = lora;
  auto model = make_language_model(options);
  const auto base = lora.enabled() ? model->frozen_parameters() : model->parameters();
  if (stories)
    fill(base, test::golden_tensors("stories260K-hf/model.safetensors"), "");
  else
    fill(base, tensors(), name + "/");
  return model;
}

// The logits after each of the ids by the training path.
at::Tensor logits_of(const LanguageModel& model, std::vector<int64_t> ids) {
  ids.push_back(0);
  const Sequence sequence{ids, 1};
  return at::mm(model.hidden({&sequence}), model.head_weight().t());
}

void check_logits(const LanguageModel& model, const std::vector<int64_t>& ids,
                  const at::Tensor& expected) {
  const at::Tensor logits = logits_of(model, ids);
  CHECK(test::close(logits, expected, test::kTolerance32));
  CHECK(test::max_difference(logits, expected) <= kMaxLogitDifference);
}

std::vector<int64_t> greedy(const LanguageModel& model, const std::vector<int64_t>& prompt,
                            size_t count) {
  const auto state = model.decode_state();
  state->start({prompt});
  std::vector<int64_t> result;
  while (true) {
    result.push_back(at::mm(state->hidden(), model.head_weight().t()).argmax(1).item<int64_t>());
    if (result.size() == count) return result;
    state->step({result.back()});
  }
}

}  // namespace

TEST_CASE("transformers: logits and 200 greedy tokens of every kind of model", "[nn]") {
  int models = 0;
  for (const auto& [name, entry] : cases()["models"].items()) {
    INFO(name);
    const torch::NoGradGuard guard;
    const auto model = golden_model(name);
    int64_t count = 0;
    for (const auto& parameter : model->parameters()) count += parameter.tensor->numel();
    CHECK(count == parameter_count(model->options()));
    const auto ids = entry["ids"].get<std::vector<int64_t>>();
    check_logits(*model, ids, tensors().at(name + "/logits"));
    const auto expected = entry["greedy"].get<std::vector<int64_t>>();
    CHECK(greedy(*model, {ids.begin(), ids.begin() + 5}, expected.size()) == expected);
    ++models;
  }
  CHECK(models == 11);
}

TEST_CASE("lora: logits and gradients of peft", "[nn]") {
  for (const auto& [name, entry] : cases()["lora"].items()) {
    INFO(name);
    LoraOptions lora;
    lora.rank = entry["rank"];
    lora.alpha = entry["alpha"];
    lora.use_rslora = entry["use_rslora"];
    lora.target_modules = entry["target_modules"].get<std::vector<std::string>>();
    const std::string base = entry["base"];
    const std::string prefix = "lora_" + base + "/";
    const auto model = golden_model(base, lora);
    fill(model->parameters(), tensors(), prefix);
    size_t stored = 0;
    for (const auto& [key, value] : tensors())
      if (key.rfind(prefix + "gradient/", 0) == 0) ++stored;
    CHECK(model->parameters().size() == stored);
    const auto ids = entry["ids"].get<std::vector<int64_t>>();
    check_logits(*model, ids, tensors().at(prefix + "logits"));

    for (const auto& parameter : model->parameters()) parameter.tensor->requires_grad_(true);
    const Sequence sequence{ids, 1};
    linear_log_prob(model->hidden({&sequence}), model->head_weight(), model->head_bias(),
                    completion_ids({&sequence}), 1.0)
        .log_prob.sum()
        .backward();
    for (const auto& parameter : model->parameters()) {
      INFO(parameter.name);
      CHECK(test::close(parameter.tensor->grad(),
                        tensors().at(prefix + "gradient/" + parameter.name), 2e-5));
    }
    for (const auto& parameter : model->frozen_parameters())
      CHECK(!parameter.tensor->grad().defined());

    // The same model with the adapters in the weights.
    ModelOptions plain = model->options();
    plain.lora = {};
    const auto merged = make_language_model(plain);
    Tensors weights;
    for (const auto& weight : model->merged_weights()) weights[weight.name] = weight.tensor;
    fill(merged->parameters(), weights, "");
    check_logits(*merged, ids, tensors().at(prefix + "logits"));
    const torch::NoGradGuard guard;
    CHECK(greedy(*model, {ids.begin(), ids.begin() + 4}, 30) ==
          greedy(*merged, {ids.begin(), ids.begin() + 4}, 30));
  }
}
