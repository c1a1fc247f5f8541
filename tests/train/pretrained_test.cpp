// Policies that start from a pretrained model, with and without adapters.
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/error.h"
#include "modelfile/gguf_writer.h"
#include "modelfile/hf_folder.h"
#include "modelfile/model_tokenizer.h"
#include "text/hf_tokenizer.h"
#include "train/pretrained_models.h"

using namespace pgtrain;
using test::adapted_policy;
using test::contains;
using test::hidden_of;
using test::kStories;
using test::same_bits;
using test::TempDir;

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kTexts = {"", "Once upon a time", "  two  spaces\n", "数字 é <s>"};

void check_same_text(const Policy& a, const Policy& b) {
  CHECK(a.tokenizer().vocab_size() == b.tokenizer().vocab_size());
  CHECK(a.tokenizer().end_ids() == b.tokenizer().end_ids());
  CHECK(a.tokenizer().bos_id() == b.tokenizer().bos_id());
  for (const std::string& text : kTexts) {
    INFO(text);
    const auto ids = a.tokenizer().encode_prompt(text);
    CHECK(b.tokenizer().encode_prompt(text) == ids);
    CHECK(b.tokenizer().decode(ids) == a.tokenizer().decode(ids));
  }
}

void check_same(const Policy& a, const Policy& b) {
  REQUIRE(a.parameters().size() == b.parameters().size());
  CHECK(same_bits(a.parameters().values(), b.parameters().values()));
  CHECK(same_bits(hidden_of(a), hidden_of(b)));
  check_same_text(a, b);
}

// Of the network, by name; trained ones when there are no adapters.
std::vector<LanguageModel::Parameter> base_weights(LanguageModel& model) {
  return model.options().lora.enabled() ? model.frozen_parameters() : model.parameters();
}

std::string open_error(const fs::path& path) {
  return test::message_of<DataError>([&] { Policy::open(path); });
}

// A copy of the model's folder that a test may damage.
class Folder {
 public:
  Folder() {
    for (const auto& entry : fs::directory_iterator(kStories))
      fs::copy_file(entry.path(), dir_.path() / entry.path().filename());
  }
  const fs::path& path() const { return dir_.path(); }
  std::string operator/(const std::string& name) const { return dir_ / name; }

  void set(const std::string& file, const nlohmann::json::json_pointer& key,
           const nlohmann::json& value) const {
    auto json = nlohmann::json::parse(test::read_file(dir_ / file));
    json[key] = value;
    test::write_file(dir_ / file, json.dump());
  }
  // Rewrites the weights after `change` has had its way with them.
  template <class F>
  void change_tensors(F&& change) const {
    std::vector<NamedTensor> tensors;
    const TensorFile file = TensorFile::open(fs::path(kStories) / "model.safetensors");
    for (const std::string& name : file.names()) tensors.push_back({name, file.tensor(name)});
    change(tensors);
    fs::remove(dir_ / "model.safetensors");
    write_tensor_file(dir_ / "model.safetensors", tensors);
  }

 private:
  TempDir dir_;
};

// "model.layers.0.self_attn.q_proj.weight" of the base weights.
at::Tensor weight(Policy& policy, const std::string& name) {
  for (const auto& parameter : base_weights(policy.model()))
    if (parameter.name == name) return parameter.tensor->detach();
  throw std::runtime_error("no weight " + name);
}

}  // namespace

TEST_CASE("pretrained: a Hugging Face folder opens with exactly its weights and its tokenizer",
          "[train]") {
  const auto policy = Policy::open(kStories);
  const TensorFile file = TensorFile::open(fs::path(kStories) / "model.safetensors");
  CHECK(policy->parameters().entries().size() == file.names().size());
  for (const std::string& name : file.names()) {
    INFO(name);
    CHECK(same_bits(policy->parameters().value(name), file.tensor(name)));
  }
  CHECK(policy->model().frozen_parameters().empty());
  CHECK(policy->model().max_positions() == 512);
  CHECK(policy->value_head() == nullptr);
  CHECK(policy->weights_file() == "model.safetensors");
  CHECK(policy->tokenizer().eos_id() == 2);
  CHECK(policy->tokenizer().encode_prompt("").front() == 1);  // add_bos_token
  CHECK_THROWS_AS(policy->adapter(), InternalError);
}

TEST_CASE("pretrained: written and opened again it is the same, and others can open the folder",
          "[train]") {
  for (const auto value : {ValueNetwork::kNone, ValueNetwork::kShared, ValueNetwork::kSeparate}) {
    const TempDir dir;
    const Policy policy(open_policy_source(kStories, AdapterUse::kKeep), value, 1);
    if (value == ValueNetwork::kSeparate)  // starts as the policy
      CHECK(same_bits(policy.parameters().value("value_network.model.norm.weight"),
                      policy.parameters().value("model.norm.weight")));
    test::scramble(policy, 2);
    policy.write(dir.path());
    const auto opened = Policy::open(dir.path());
    check_same(*opened, policy);
    CHECK((opened->value_head() != nullptr) == (value == ValueNetwork::kShared));
    CHECK((opened->network().value_model != nullptr) == (value == ValueNetwork::kSeparate));
    const PretrainedModel model = open_pretrained(dir.path());
    CHECK(model.format == "hf");
    CHECK(model.config["model_type"] == "llama");
    CHECK(model.config["eos_token_id"] == 2);
    CHECK(model.weights->names().size() == 47);  // V has a file of its own
    // Of the source, not of pgtrain's own making.
    const auto original = read_model_files(kStories);
    CHECK(model.tokenizer == original.tokenizer);
    CHECK(model.tokenizer_config == original.tokenizer_config);
    CHECK(model.generation_config == original.generation_config);
  }
}

TEST_CASE("pretrained: a GGUF file of the model is the same policy", "[train]") {
  const TempDir dir;
  const auto policy = Policy::open(kStories);
  const auto& tokenizer = dynamic_cast<const HuggingFaceTokenizer&>(policy->tokenizer());
  std::vector<NamedTensor> tensors;
  for (const auto& parameter : policy->model().merged_weights())
    tensors.push_back({parameter.name, parameter.tensor});
  const ModelFiles files = policy->model_files();
  GgufWriteOptions options;
  options.dtype = "F32";
  write_gguf(dir / "model.gguf", files.config,
             gguf_vocabulary(files.tokenizer, tokenizer.settings()), tensors, options);
  check_same(*Policy::open(dir / "model.gguf"), *policy);
  check_same(*Policy::open(dir.path()), *policy);  // the folder with that one file
}

TEST_CASE("pretrained: with adapters only these are parameters", "[train]") {
  const auto policy = adapted_policy();
  CHECK(policy->parameters().entries().size() == 2 * 2 * 5);  // A and B, two modules, five layers
  for (const auto& entry : policy->parameters().entries()) CHECK(contains(entry.name, ".lora_"));
  const auto frozen = policy->model().frozen_parameters();
  const auto base = Policy::open(kStories);
  CHECK(frozen.size() == base->parameters().entries().size());
  for (const auto& parameter : frozen) {
    CHECK(same_bits(*parameter.tensor, base->parameters().value(parameter.name)));
    CHECK_FALSE(parameter.tensor->requires_grad());
  }
  CHECK(policy->weights_file() == "adapter_model.safetensors");
}

TEST_CASE("pretrained: new adapters change nothing before they are trained", "[train]") {
  PolicySource source = open_policy_source(kStories, AdapterUse::kMerge);
  source.model.lora = test::small_lora();
  source.model.lora.target_modules.clear();
  const Policy policy(std::move(source), ValueNetwork::kNone, 7);
  CHECK(test::close(hidden_of(policy), hidden_of(*Policy::open(kStories)), test::kTolerance32));
  CHECK(policy.parameters().values().abs().max().item<float>() > 0);  // A is drawn, B is zero
}

TEST_CASE("pretrained: copies and replicas share the frozen weights", "[train]") {
  for (const auto value : {ValueNetwork::kNone, ValueNetwork::kShared, ValueNetwork::kSeparate}) {
    const auto policy = adapted_policy(test::small_lora(), value);
    const auto copy = policy->copy();
    const auto replica = policy->replicate();
    const auto frozen = policy->model().frozen_parameters();
    const auto check_shared = [&](LanguageModel& model) {
      const auto others = model.frozen_parameters();
      REQUIRE(others.size() == frozen.size());
      for (size_t i = 0; i < frozen.size(); ++i)
        CHECK(others[i].tensor->data_ptr() == frozen[i].tensor->data_ptr());
    };
    check_shared(copy->model());
    check_shared(*replica.network.model);
    CHECK((replica.network.value_model != nullptr) == (value == ValueNetwork::kSeparate));
    if (value == ValueNetwork::kSeparate) {
      check_shared(*policy->network().value_model);
      check_shared(*replica.network.value_model);
    }
    // What is trained: the copy's own, the replica's the policy's with another gradient.
    const auto own = policy->model().parameters();
    const auto copied = copy->model().parameters();
    const auto attached = replica.network.model->parameters();
    for (size_t i = 0; i < own.size(); ++i) {
      CHECK(copied[i].tensor->data_ptr() != own[i].tensor->data_ptr());
      CHECK(same_bits(*copied[i].tensor, *own[i].tensor));
      CHECK(attached[i].tensor->data_ptr() == own[i].tensor->data_ptr());
    }
    CHECK(replica.gradient.data_ptr() != policy->parameters().gradient().data_ptr());
    CHECK(same_bits(hidden_of(*copy), hidden_of(*policy)));
    CHECK(copy->adapter().base_model == kStories);
  }
}

TEST_CASE("pretrained: a policy with adapters is written as a PEFT folder and opened again",
          "[train]") {
  for (const auto value : {ValueNetwork::kNone, ValueNetwork::kShared, ValueNetwork::kSeparate}) {
    const TempDir dir;
    const auto policy = adapted_policy(test::small_lora(), value);
    policy->write(dir.path());
    CHECK_FALSE(fs::exists(dir / "model.safetensors"));
    const auto opened = Policy::open(dir.path());
    check_same(*opened, *policy);
    CHECK((opened->network().value_model != nullptr) == (value == ValueNetwork::kSeparate));
    CHECK(opened->model().options().lora.target_modules ==
          std::vector<std::string>{"down_proj", "q_proj"});
    const PretrainedModel model = open_pretrained(dir.path());
    CHECK(model.format == "peft");
    CHECK(model.adapter->base_model == kStories);
    CHECK(model.adapter->pairs.size() == 10);
    const auto other = adapted_policy(test::small_lora(), value, kStories, 9);
    other->read(dir.path());
    check_same(*other, *policy);
  }
}

TEST_CASE("pretrained: rank, alpha, rslora, dropout and every module survive the folder",
          "[train]") {
  const TempDir dir;
  LoraOptions lora;
  lora.rank = 2;
  lora.alpha = 3.5;
  lora.dropout = 0.25;
  lora.use_rslora = true;
  const auto policy = adapted_policy(lora);
  CHECK(policy->parameters().entries().size() == 2 * 7 * 5);
  write_lora_adapter(dir / "adapter", policy->adapter());  // as export --format peft
  const auto opened = Policy::open(dir / "adapter");
  check_same(*opened, *policy);
  const LoraOptions& read = opened->model().options().lora;
  CHECK(read.rank == 2);
  CHECK(read.alpha == 3.5);
  CHECK(read.dropout == 0.25);
  CHECK(read.use_rslora);
}

TEST_CASE("pretrained: merging an adapter on opening gives merged_weights, and the same states",
          "[train]") {
  const TempDir dir;
  const auto policy = adapted_policy();
  policy->write(dir.path());
  const Policy merged(open_policy_source(dir.path(), AdapterUse::kMerge), ValueNetwork::kNone, 0);
  CHECK_FALSE(merged.model().options().lora.enabled());
  for (const auto& parameter : policy->model().merged_weights()) {
    INFO(parameter.name);
    CHECK(same_bits(merged.parameters().value(parameter.name), parameter.tensor));
  }
  CHECK(test::close(hidden_of(merged), hidden_of(*policy), test::kTolerance32));
  // W + alpha / rank B A, by hand in float64.
  const std::string name = "model.layers.2.mlp.down_proj";
  const std::string prefix = "base_model.model." + name;
  const at::Tensor a = policy->parameters().value(prefix + ".lora_A.weight").to(torch::kFloat64);
  const at::Tensor b = policy->parameters().value(prefix + ".lora_B.weight").to(torch::kFloat64);
  const at::Tensor expected =
      weight(*policy, name + ".weight").to(torch::kFloat64) + 5.0 / 3.0 * at::matmul(b, a);
  CHECK(test::close(merged.parameters().value(name + ".weight"), expected, test::kTolerance32));
}

TEST_CASE("pretrained: adapters on top of one another", "[train]") {
  const TempDir dir;
  fs::create_directory(dir / "first");
  fs::create_directory(dir / "second");
  const auto first = adapted_policy();
  first->write(dir / "first");
  LoraOptions lora = test::small_lora();
  lora.rank = 2;
  const auto second = adapted_policy(lora, ValueNetwork::kNone, dir / "first", 5);
  second->write(dir / "second");
  // The first is part of the frozen weights, the second stays apart.
  const auto opened = Policy::open(dir / "second");
  check_same(*opened, *second);
  const std::string name = "model.layers.0.self_attn.q_proj.weight";
  for (const auto& parameter : first->model().merged_weights())
    if (parameter.name == name) CHECK(same_bits(weight(*opened, name), parameter.tensor));
  const Policy merged(open_policy_source(dir / "second", AdapterUse::kMerge), ValueNetwork::kNone,
                      0);
  CHECK(test::close(hidden_of(merged), hidden_of(*second), test::kTolerance32));
}

TEST_CASE("pretrained: a base beside the adapter is found, a missing one is named", "[train]") {
  const TempDir dir;
  LoraAdapter adapter = adapted_policy()->adapter();
  fs::copy(kStories, dir / "base");
  adapter.base_model = "../base";
  write_lora_adapter(dir / "adapter", adapter);
  CHECK(open_error(dir / "adapter").empty());
  adapter.base_model = "someone/no-such-model";
  write_lora_adapter(dir / "lost", adapter);
  const std::string lost = open_error(dir / "lost");
  CHECK(contains(lost, "lost: the base model someone/no-such-model is not here"));
  CHECK(contains(lost, "adapter_config.json"));
  adapter.base_model = "";
  write_lora_adapter(dir / "orphan", adapter);
  CHECK(contains(open_error(dir / "orphan"), "base_model_name_or_path"));
}

TEST_CASE("pretrained: adapters in a circle end with an error", "[train]") {
  const TempDir dir;
  LoraAdapter adapter = adapted_policy()->adapter();
  adapter.base_model = dir / "b";
  write_lora_adapter(dir / "a", adapter);
  adapter.base_model = dir / "a";
  write_lora_adapter(dir / "b", adapter);
  CHECK(contains(open_error(dir / "a"), "in a circle"));
  adapter.base_model = ".";
  write_lora_adapter(dir / "self", adapter);
  CHECK_FALSE(open_error(dir / "self").empty());
}

TEST_CASE("pretrained: an adapter that does not fit its base is refused with the module",
          "[train]") {
  const TempDir dir;
  const auto policy = adapted_policy();
  const auto both = [&](const std::string& name) {
    const std::string keep = open_error(dir / name);
    const std::string merge = test::message_of<DataError>([&] {
      Policy(open_policy_source(dir / name, AdapterUse::kMerge), ValueNetwork::kNone, 0);
    });
    return std::pair(keep, merge);
  };
  LoraAdapter adapter = policy->adapter();
  adapter.pairs[0].a = torch::zeros({3, 65});
  write_lora_adapter(dir / "shape", adapter);
  const auto [keep, merge] = both("shape");
  CHECK(contains(keep, adapter.pairs[0].module));
  CHECK(contains(keep, "[3, 65]"));
  CHECK(contains(merge, adapter.pairs[0].module));
  CHECK(contains(merge, "65"));
  adapter = policy->adapter();
  adapter.pairs[0].module = "model.layers.7.self_attn.q_proj";  // there are five
  write_lora_adapter(dir / "layer", adapter);
  const auto [keep_layer, merge_layer] = both("layer");
  CHECK(contains(keep_layer, "model.layers.7.self_attn.q_proj"));
  CHECK(contains(merge_layer, "model.layers.7.self_attn.q_proj"));
  adapter = policy->adapter();
  adapter.pairs.pop_back();
  write_lora_adapter(dir / "few", adapter);
  CHECK(contains(open_error(dir / "few"), "9 modules"));
}

TEST_CASE("pretrained: a config that does not tell the truth about the weights is refused",
          "[train]") {
  using pointer = nlohmann::json::json_pointer;
  const auto error_with = [](const char* key, const nlohmann::json& value) {
    const Folder folder;
    folder.set("config.json", pointer(key), value);
    return open_error(folder.path());
  };
  CHECK(contains(error_with("/hidden_size", 1 << 16), "parameters, a model as in"));
  CHECK(contains(error_with("/vocab_size", 1 << 30), "config.json"));
  CHECK(contains(error_with("/num_hidden_layers", 4), "parameters, a model as in"));
  CHECK(contains(error_with("/num_hidden_layers", 1000), "num_hidden_layers"));
  CHECK(contains(error_with("/tie_word_embeddings", false), "parameters, a model as in"));
  CHECK(contains(error_with("/model_type", "mamba"), "model_type"));
  CHECK(contains(error_with("/num_attention_heads", 0), "num_attention_heads"));
  // The counts agree, the shapes do not: q and o have 64 x 64, gate and up 172 x 64.
  const Folder folder;
  folder.change_tensors([](std::vector<NamedTensor>& tensors) {
    for (NamedTensor& tensor : tensors)
      if (tensor.name == "model.layers.1.mlp.down_proj.weight") tensor.tensor = tensor.tensor.t();
  });
  CHECK(contains(open_error(folder.path()), "model.layers.1.mlp.down_proj.weight"));
}

TEST_CASE("pretrained: missing, foreign and superfluous tensors", "[train]") {
  const Folder folder;
  folder.change_tensors([](std::vector<NamedTensor>& tensors) {
    for (NamedTensor& tensor : tensors)
      if (tensor.name == "model.norm.weight") tensor.name = "model.norm.scale";
  });
  CHECK(contains(open_error(folder.path()), "model.norm.weight"));
  folder.change_tensors([](std::vector<NamedTensor>& tensors) { tensors.pop_back(); });
  CHECK(contains(open_error(folder.path()), "parameters, a model as in"));
  // Old checkpoints store what follows from rope_theta.
  folder.change_tensors([](std::vector<NamedTensor>& tensors) {
    tensors.push_back({"model.layers.0.self_attn.rotary_emb.inv_freq", torch::ones({4})});
  });
  CHECK(open_error(folder.path()).empty());
}

TEST_CASE("pretrained: a tokenizer that does not fit is refused", "[train]") {
  const Folder folder;
  auto tokenizer = nlohmann::json::parse(test::read_file(folder / "tokenizer.json"));
  tokenizer["added_tokens"].push_back({{"id", 512},
                                       {"content", "<more>"},
                                       {"single_word", false},
                                       {"lstrip", false},
                                       {"rstrip", false},
                                       {"normalized", false},
                                       {"special", true}});
  test::write_file(folder / "tokenizer.json", tokenizer.dump());
  const std::string large = open_error(folder.path());
  CHECK(contains(large, "vocab_size is 512, but the tokenizer has 513 tokens"));
  test::write_file(folder / "tokenizer.json", "{}");
  CHECK(contains(open_error(folder.path()), "tokenizer.json"));
  test::write_file(folder / "tokenizer.json", "[");
  CHECK(contains(open_error(folder.path()), "tokenizer.json"));
  fs::remove(folder / "tokenizer.json");
  CHECK(contains(open_error(folder.path()), "neither tokenizer.json nor tokenizer.model"));
}

TEST_CASE("pretrained: what is no model is refused", "[train]") {
  const TempDir dir;
  CHECK(contains(open_error(dir / "none"), "none: there is no such file or folder"));
  CHECK_FALSE(open_error(dir.path()).empty());
  test::write_file(dir / "text.gguf", "not a model");
  CHECK(contains(open_error(dir / "text.gguf"), "text.gguf"));
}

TEST_CASE("pretrained: a chat template from a file goes with the policy", "[train]") {
  const TempDir dir;
  test::write_file(dir / "chat.jinja",
                   "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}");
  const auto policy = Policy::open(kStories);
  Record chat;
  chat.messages = {{"user", "Hello"}};
  CHECK(contains(test::message_of<ConfigError>([&] { policy->text().encode_prompt(chat); }),
                 "data.chat_template"));
  CHECK(contains(test::message_of<ConfigError>([&] { policy->set_chat("model", ""); }),
                 "no chat template"));
  CHECK(contains(test::message_of<ConfigError>([&] { policy->set_chat("nothing", ""); }),
                 "'nothing' is neither"));
  policy->set_chat(dir / "chat.jinja", "Be kind.");
  const auto& tokenizer = policy->tokenizer();
  CHECK(policy->text().encode_prompt(chat) ==
        tokenizer.encode_with_special("system: Be kind.\nuser: Hello\n"));
  Record plain;
  plain.prompt = "Hello";
  CHECK(policy->text().encode_prompt(plain) == policy->text().encode_prompt(chat));
  chat.messages.insert(chat.messages.begin(), {"system", "Be brief."});  // its own stays
  CHECK(policy->text().encode_prompt(chat) ==
        tokenizer.encode_with_special("system: Be brief.\nuser: Hello\n"));
  fs::create_directory(dir / "written");
  policy->write(dir / "written");
  const auto opened = Policy::open(dir / "written");
  opened->set_chat("model", "");
  CHECK(opened->text().encode_prompt(plain) == tokenizer.encode_with_special("user: Hello\n"));
}
