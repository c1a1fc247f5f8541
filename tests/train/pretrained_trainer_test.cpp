// The training loop on a pretrained model: all weights, or adapters alone.
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "modelfile/gguf_writer.h"
#include "support/log_capture.h"
#include "text/hf_tokenizer.h"
#include "train/pretrained_models.h"
#include "train/runs.h"

using namespace pgtrain;
using test::column;
using test::contains;
using test::record_of;
using test::Settings;
using test::train_in_pieces;
using test::operator+;

namespace {

namespace fs = std::filesystem;

const Settings kLora = {"model.lora.rank=3", "model.lora.alpha=6",
                        "model.lora.target_modules=[q_proj, v_proj, up_proj]"};

// A folder with the first records of story_endings and run directories.
class Workshop {
 public:
  Workshop() {
    std::istringstream in(test::read_file("data/story_endings/train.jsonl"));
    std::string lines;
    std::string line;
    for (int i = 0; i < 8 && std::getline(in, line); ++i) lines += line + "\n";
    test::write_file(dir_ / "train.jsonl", lines);
    test::write_file(dir_ / "eval.jsonl", line + "\n");
  }
  ExperimentConfig config(const std::string& name, const Settings& overrides = {}) const {
    const Settings all = {"run.directory=" + (dir_ / name),
                          "run.threads=2",
                          "data.train=" + (dir_ / "train.jsonl"),
                          "data.eval=" + (dir_ / "eval.jsonl"),
                          "rollout.prompts_per_step=2",
                          "rollout.samples_per_prompt=3",
                          "rollout.max_new_tokens=40",
                          "rollout.shard_size=3",
                          "train.micro_batch=2",
                          "train.steps=3",
                          "optimizer.learning_rate=1e-3",
                          "eval.every=2",
                          "checkpoint.every=2"};
    return load_experiment({}, all + overrides);
  }
  ExperimentConfig stories(const std::string& name, const Settings& overrides = {}) const {
    return config(name,
                  Settings{"model.kind=pretrained", "model.path=" + std::string(test::kStories),
                           "algorithm.preset=grpo"} +
                      overrides);
  }
  std::string operator/(const std::string& name) const { return dir_ / name; }

 private:
  test::TempDir dir_;
};

std::string latest(const Workshop& shop, const std::string& run) {
  return shop / (run + "/checkpoints/latest");
}

// The message of the error that a trainer of these settings ends with before it makes its folder.
template <class E>
std::string refusal(const Workshop& shop, const ExperimentConfig& config) {
  const std::string message = test::message_of<E>([&] { Trainer trainer(config); });
  CHECK_FALSE(fs::exists(shop / "run"));
  return message;
}

}  // namespace

TEST_CASE("pretrained trainer: GRPO starts on policy and leaves a folder that anyone can open",
          "[train]") {
  const Workshop shop;
  CHECK(Trainer(shop.stories("run")).run().exit_code == kExitDone);
  for (const double gap : column(shop / "run", "sampling/sampling_logp_difference/max"))
    CHECK(gap < 1e-4);
  for (const double norm : column(shop / "run", "grad_norm")) CHECK(norm > 0);
  // The model knows English: its tokens are far from uniform over 512 (log 512 = 6.2).
  CHECK(column(shop / "run", "entropy")[0] < 3);
  const auto before = Policy::open(test::kStories);
  const auto after = Policy::open(latest(shop, "run"));
  CHECK(test::max_difference(before->parameters().values(), after->parameters().values()) > 1e-4);
  CHECK(open_pretrained(latest(shop, "run")).format == "hf");
}

TEST_CASE("pretrained trainer: with LoRA only the adapter is trained and stored", "[train]") {
  const Workshop shop;
  CHECK(Trainer(shop.stories("run", kLora)).run().exit_code == kExitDone);
  for (const double norm : column(shop / "run", "grad_norm")) CHECK(norm > 0);
  const std::string checkpoint = latest(shop, "run");
  CHECK_FALSE(fs::exists(checkpoint + "/model.safetensors"));
  const PretrainedModel model = open_pretrained(checkpoint);
  CHECK(model.format == "peft");
  CHECK(model.adapter->base_model == test::kStories);
  CHECK(model.adapter->rank == 3);
  CHECK(model.adapter->pairs.size() == 3 * 5);
  bool is_trained = false;  // B starts at zero
  for (const auto& pair : model.adapter->pairs)
    is_trained = is_trained || pair.b.abs().max().item<float>() > 0;
  CHECK(is_trained);
  const auto base = Policy::open(test::kStories);
  const auto opened = Policy::open(checkpoint);
  for (const auto& parameter : opened->model().frozen_parameters())
    CHECK(test::same_bits(*parameter.tensor, base->parameters().value(parameter.name)));
}

TEST_CASE(
    "pretrained trainer: stopped after each step and resumed, the run ends with the bits of the "
    "uninterrupted one",
    "[train]") {
  const Settings dropout = kLora + Settings{"model.lora.dropout=0.3"};
  const Settings ppo = {"algorithm.preset=ppo", "algorithm.epochs=2", "algorithm.mini_batches=2"};
  for (const Settings& settings :
       {Settings{"optimizer.ema_decay=0.7"},
        {"algorithm.kl.coef=0.05", "warmup.steps=2", "warmup.batch_size=3"},
        dropout + Settings{"algorithm.kl.coef=0.05", "algorithm.kl.reference=start"},
        dropout + Settings{"algorithm.kl.coef=0.05", "algorithm.kl.reference=ema",
                           "algorithm.kl.ema_decay=0.5", "optimizer.ema_decay=0.7"},
        dropout + Settings{"warmup.steps=2", "warmup.batch_size=3"},
        kLora + ppo + Settings{"algorithm.value_network=shared"},
        dropout + ppo + Settings{"algorithm.value_network=separate"},
        ppo + Settings{"algorithm.value_network=separate"}}) {
    INFO(settings[0] << " " << settings[settings.size() - 1]);
    const Workshop shop;
    CHECK(Trainer(shop.stories("whole", settings)).run().exit_code == kExitDone);
    train_in_pieces(shop.stories("pieces", settings));
    CHECK(record_of(shop / "pieces") == record_of(shop / "whole"));
  }
}

TEST_CASE("pretrained trainer: the bits do not depend on the number of threads", "[train]") {
  for (const Settings& settings :
       {Settings{}, kLora + Settings{"model.lora.dropout=0.3"},
        kLora + Settings{"algorithm.preset=ppo", "algorithm.value_network=separate"}}) {
    const Workshop shop;
    Trainer(shop.stories("one", settings + Settings{"run.threads=1"})).run();
    Trainer(shop.stories("three", settings + Settings{"run.threads=3"})).run();
    CHECK(record_of(shop / "one") == record_of(shop / "three"));
  }
}

TEST_CASE("pretrained trainer: dropout acts in training and depends on the seed alone", "[train]") {
  const Workshop shop;
  const auto first_losses = [&](const std::string& name, const Settings& settings) {
    Trainer(shop.stories(name, kLora + Settings{"algorithm.kl.coef=0.1"} + settings)).run();
    return column(shop / name, "kl");
  };
  const auto without = first_losses("without", {});
  const auto with = first_losses("with", {"model.lora.dropout=0.5"});
  CHECK(first_losses("again", {"model.lora.dropout=0.5"}) == with);
  CHECK(with != without);
}

TEST_CASE("pretrained trainer: an adapter as start and as reference", "[train]") {
  const Workshop shop;
  Trainer(shop.stories("teacher", kLora)).run();
  const std::string adapter = latest(shop, "teacher");
  const auto merged =
      Policy(open_policy_source(adapter, AdapterUse::kMerge), ValueNetwork::kNone, 0);
  // Of a model with an adapter the sum is trained.
  Trainer(shop.config("whole", {"model.kind=pretrained", "model.path=" + adapter,
                                "algorithm.preset=grpo", "train.steps=0"}))
      .run();
  CHECK(test::same_bits(Policy::open(latest(shop, "whole"))->parameters().values(),
                        merged.parameters().values()));
  // A new adapter on it leaves the old one in the base.
  Trainer(shop.config("second", Settings{"model.kind=pretrained", "model.path=" + adapter,
                                         "algorithm.preset=grpo"} +
                                    kLora))
      .run();
  const auto second = Policy::open(latest(shop, "second"));
  CHECK(second->adapter().base_model == adapter);
  for (const auto& parameter : second->model().frozen_parameters())
    CHECK(test::same_bits(*parameter.tensor, merged.parameters().value(parameter.name)));
  const Settings reference = {"algorithm.kl.coef=0.1", "algorithm.kl.reference=" + adapter};
  Trainer(shop.stories("student", reference)).run();
  CHECK(column(shop / "student", "kl")[0] > 0);
}

TEST_CASE("pretrained trainer: prompts that leave no room in the model's positions", "[train]") {
  const Workshop shop;
  std::string text;
  for (int i = 0; i < 40; ++i) text += "Anna saw a sad dog in the house. ";
  const std::string records = test::read_file(shop / "train.jsonl");
  const auto long_record = [&](const std::string& target) {
    return nlohmann::json{{"prompt", text}, {"target", target}}.dump() + "\n";
  };
  test::write_file(shop / "train.jsonl", long_record("Yes.") + records + long_record("No."));
  const std::string message = refusal<DataError>(shop, shop.stories("run"));
  CHECK(contains(message, "train.jsonl:1: the prompt has "));
  CHECK(contains(message, "512 positions"));
  CHECK(contains(message, "(2 such records)"));
  CHECK(contains(message, "train.overlong: drop"));
  {
    const test::LogCapture log;
    CHECK(Trainer(shop.stories("dropped", {"train.overlong=drop"})).run().exit_code == kExitDone);
    CHECK(contains(log.text(), "2 of 10 records are left out: their prompt leaves no room"));
  }
  test::write_file(shop / "train.jsonl", long_record("Yes."));
  CHECK(contains(refusal<DataError>(shop, shop.stories("run", {"train.overlong=drop"})),
                 "every prompt leaves no room"));
  // Of the evaluation data, too.
  test::write_file(shop / "train.jsonl", records);
  test::write_file(shop / "eval.jsonl", long_record("Yes."));
  CHECK(contains(refusal<DataError>(shop, shop.stories("run")), "eval.jsonl:1"));
}

TEST_CASE("pretrained trainer: a prompt and a completion may fill the positions exactly",
          "[train]") {
  const Workshop shop;
  const auto policy = Policy::open(test::kStories);
  std::string text = "Anna";
  while (policy->tokenizer().encode_prompt(text).size() < 473) text += " a";
  REQUIRE(policy->tokenizer().encode_prompt(text).size() == 473);  // and 40 are 513: one more than
                                                                   // the model reads
  const auto write = [&](const std::string& prompt) {
    test::write_file(shop / "train.jsonl",
                     nlohmann::json{{"prompt", prompt}, {"target", "Yes."}}.dump() + "\n");
  };
  write(text);
  CHECK(Trainer(shop.stories("full", {"train.steps=1"})).run().exit_code == kExitDone);
  write(text + " a");
  CHECK(contains(refusal<DataError>(shop, shop.stories("run")), "474 tokens"));
}

TEST_CASE("pretrained trainer: conversations, chat templates and the system prompt", "[train]") {
  const Workshop shop;
  const auto message = [](const char* role, const char* content) {
    return nlohmann::json{{"role", role}, {"content", content}};
  };
  const nlohmann::json record = {
      {"prompt", {message("user", "Hi"), message("assistant", "Hello"), message("user", "Sing")}},
      {"target", "La la."}};
  test::write_file(shop / "train.jsonl", record.dump() + "\n");
  CHECK(contains(refusal<ConfigError>(shop, shop.stories("run")), "data.chat_template"));
  CHECK(contains(refusal<ConfigError>(shop, shop.stories("run", {"data.chat_template=model"})),
                 "data.chat_template: the model brings no chat template"));
  CHECK(contains(refusal<ConfigError>(shop, shop.stories("run", {"data.chat_template=none"})),
                 "data.chat_template=none: error: data.chat_template: 'none' is neither"));
  // What the policy reads shows in the log-probabilities, so in the bits of the run.
  const auto run = [&](const std::string& name, const Settings& settings) {
    CHECK(Trainer(shop.stories(name, settings)).run().exit_code == kExitDone);
    return record_of(shop / name);
  };
  const std::string plain = run("plain", {"data.chat_template=plain"});
  CHECK(run("chatml", {"data.chat_template=chatml"}) != plain);
  CHECK(run("system", {"data.chat_template=plain", "data.system_prompt=Sing."}) != plain);
  test::write_file(shop / "refuse.jinja", "{{ raise_exception('no songs') }}");
  const std::string refused = refusal<DataError>(
      shop, shop.stories("run", {"data.chat_template=" + (shop / "refuse.jinja")}));
  CHECK(contains(refused, "no songs"));
  CHECK(contains(refused, "train.jsonl:1"));
}

TEST_CASE("pretrained trainer: keys that do not go with a pretrained model, or only with one",
          "[train]") {
  const Workshop shop;
  const auto error = [&](const Settings& settings) {
    return test::message_of<ConfigError>([&] { shop.stories("run", settings); });
  };
  CHECK(contains(error({"tokenizer.kind=char"}), "tokenizer.kind: is 'char', but a pretrained"));
  CHECK(contains(error({"tokenizer.vocab_size=300"}), "tokenizer.vocab_size: has no effect"));
  CHECK(contains(error({"tokenizer.path=x"}), "tokenizer.path"));
  CHECK(contains(error({"model.hidden_size=32"}), "model.hidden_size"));
  CHECK(contains(error({"model.lora.alpha=3"}), "model.lora.alpha"));
  const auto native = [&](const Settings& settings) {
    return test::message_of<ConfigError>([&] { shop.config("run", settings); });
  };
  CHECK(contains(native({"model.kind=llama", "model.lora.rank=2"}),
                 "model.lora.rank: adapters are for pretrained models"));
  CHECK(contains(native({"model.kind=gru", "model.lora.rank=2"}), "model.lora.rank"));
  CHECK(contains(native({"model.kind=pretrained"}), "model.path"));
  CHECK(contains(native({"tokenizer.kind=bpe"}), "tokenizer.vocab_size: must be given"));
  CHECK(contains(native({"tokenizer.kind=file"}), "tokenizer.path: must be the name"));
  CHECK(contains(native({"tokenizer.kind=file", "tokenizer.path=x", "tokenizer.vocab_size=300"}),
                 "tokenizer.vocab_size: has no effect with kind 'file'"));
  CHECK(contains(
      refusal<ConfigError>(
          shop, shop.stories("run", {"model.lora.rank=2", "model.lora.target_modules=[c_attn]"})),
      "no layers 'c_attn'; it has q_proj"));
  CHECK(contains(refusal<DataError>(
                     shop, shop.config("run", {"model.kind=pretrained", "model.path=no/model"})),
                 "no/model"));
}

TEST_CASE("pretrained trainer: a policy of pgtrain's own as start", "[train]") {
  const Workshop shop;
  const Settings own = {"model.embedding_size=8", "model.hidden_size=16",
                        "rollout.max_new_tokens=80"};
  Trainer(shop.config("first", own)).run();
  const Settings from = {"model.kind=pretrained", "model.path=" + latest(shop, "first"),
                         "rollout.max_new_tokens=80"};
  Trainer(shop.config("second", from + Settings{"train.steps=0"})).run();
  CHECK(test::same_bits(Policy::open(latest(shop, "second"))->parameters().values(),
                        Policy::open(latest(shop, "first"))->parameters().values()));
  CHECK(
      contains(refusal<ConfigError>(shop, shop.config("run", from + Settings{"model.lora.rank=2"})),
               "takes no adapters"));
}

TEST_CASE("pretrained trainer: learned byte pairs and a tokenizer from a file train and resume",
          "[train]") {
  const std::string stories = std::string(test::kStories) + "/tokenizer.json";
  for (const Settings& tokenizer : {Settings{"tokenizer.kind=bpe", "tokenizer.vocab_size=300"},
                                    {"tokenizer.kind=file", "tokenizer.path=" + stories}}) {
    for (const Settings& model :
         {Settings{"model.kind=gru", "model.embedding_size=8", "model.hidden_size=16"},
          {"model.kind=llama", "model.hidden_size=16", "model.num_layers=1", "model.num_heads=2",
           "model.max_positions=200"}}) {
      INFO(tokenizer[0] << " " << model[0]);
      const Workshop shop;
      const Settings settings = tokenizer + model + Settings{"rollout.max_new_tokens=60"};
      CHECK(Trainer(shop.config("whole", settings)).run().exit_code == kExitDone);
      train_in_pieces(shop.config("pieces", settings));
      CHECK(record_of(shop / "pieces") == record_of(shop / "whole"));
      const auto policy = Policy::open(latest(shop, "whole"));
      const std::string text = "One day, Anna saw a sad dog.";
      CHECK(policy->tokenizer().decode(policy->tokenizer().encode(text)) == text);
    }
  }
}

TEST_CASE("pretrained trainer: tokenizer files that are none", "[train]") {
  const Workshop shop;
  const auto error = [&](const std::string& path) {
    return refusal<DataError>(
        shop, shop.config("run", {"tokenizer.kind=file", "tokenizer.path=" + path}));
  };
  CHECK(contains(error(shop / "none.json"), "none.json"));
  test::write_file(shop / "list.json", "[]");
  CHECK(contains(error(shop / "list.json"), "list.json: must be an object"));
  test::write_file(shop / "text.json", "text");
  CHECK(contains(error(shop / "text.json"), "text.json: not valid JSON"));
  test::write_file(shop / "bytes.model", "\xff\xff\xff");
  CHECK(contains(error(shop / "bytes.model"), "bytes.model"));
}

TEST_CASE("pretrained trainer: a base that changed is refused on resume", "[train]") {
  const Workshop shop;
  fs::copy(test::kStories, shop / "base");
  const Settings settings = Settings{"model.path=" + (shop / "base")} + kLora;
  Trainer(shop.stories("run", settings)).run();
  const auto policy = Policy::open(shop / "base");
  test::scramble(*policy, 4);
  fs::remove(shop / "base/model.safetensors");
  policy->write_parameters(shop / "base/model.safetensors");
  const std::string message = test::message_of<DataError>(
      [&] { Trainer(shop.stories("run", settings + Settings{"train.steps=4"})); });
  CHECK(contains(message, "has changed"));
}

TEST_CASE("pretrained trainer: a GGUF file as reference", "[train]") {
  const Workshop shop;
  const auto policy = Policy::open(test::kStories);
  const auto& tokenizer = dynamic_cast<const HuggingFaceTokenizer&>(policy->tokenizer());
  std::vector<NamedTensor> tensors;
  for (const auto& weight : policy->model().merged_weights())
    tensors.push_back({weight.name, weight.tensor});
  const ModelFiles files = policy->model_files();
  const GgufVocabulary vocabulary = gguf_vocabulary(files.tokenizer, tokenizer.settings());
  GgufWriteOptions options;
  options.dtype = "F32";
  write_gguf(shop / "m.gguf", files.config, vocabulary, tensors, options);
  // The same tokens, although the file makes another tokenizer.json of them.
  const Settings settings = {"model.kind=pretrained", std::string("model.path=") + test::kStories,
                             "algorithm.preset=grpo", "algorithm.kl.coef=0.1",
                             "algorithm.kl.reference=" + (shop / "m.gguf")};
  Trainer(shop.config("run", settings)).run();
  CHECK(std::abs(column(shop / "run", "kl")[0]) < 1e-6);
  Trainer(shop.config("run", settings + Settings{"train.steps=4"})).run();
}

TEST_CASE("pretrained trainer: conversations with a tokenizer that learns from them", "[train]") {
  const Workshop shop;
  const nlohmann::json record = {{"prompt", {{{"role", "user"}, {"content", "WXYZ"}}}},
                                 {"target", "ab"}};
  test::write_file(shop / "train.jsonl", record.dump() + "\n");
  test::write_file(shop / "eval.jsonl", record.dump() + "\n");
  const Settings gru = {"model.embedding_size=8", "model.hidden_size=16"};
  const std::string refused = refusal<ConfigError>(shop, shop.config("run", gru));
  CHECK(contains(refused, "train.jsonl:1"));
  CHECK(contains(refused, "data.chat_template"));
  Trainer(shop.config("run", gru + Settings{"data.chat_template=plain"})).run();
  const auto policy = Policy::open(latest(shop, "run"));
  for (const int64_t id : policy->tokenizer().encode("WXYZab"))
    CHECK(id != policy->tokenizer().unk_id());
}
