// inspect, convert, export and sample on pretrained models.
#include <cstring>

#include "experiment.h"

using namespace pgtrain::test;
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

const std::string& stories() {
  static const std::string path = fs::absolute("data/models/stories260K").string();
  return path;
}

constexpr const char* kConfig = R"(run: {directory: run, threads: 2}
data: {train: stories.jsonl}
model: {kind: pretrained}
rollout: {prompts_per_step: 2, samples_per_prompt: 2, max_new_tokens: 40}
algorithm: {preset: grpo}
train: {steps: 2}
)";

// A folder with two records and the configuration of a short run on the small model.
class Models : public Experiment {
 public:
  Models() {
    write_file(*this / "stories.yaml", kConfig);
    write_file(*this / "stories.jsonl",
               "{\"prompt\":\"One day, Anna saw a sad dog.\",\"target\":\"Anna was happy.\"}\n"
               "{\"prompt\":\"One day, Jack saw a bear.\",\"target\":\"Jack ran.\"}\n");
  }
  // Runs and demands success.
  std::string output(const std::vector<std::string>& arguments) const {
    const ProcessResult result = run(arguments);
    if (result.code != 0) throw std::runtime_error(arguments[0] + " failed: " + result.err);
    return result.out;
  }
  std::string train_stories(const std::vector<std::string>& settings = {}) const {
    std::vector<std::string> arguments = {"train", "--config", "stories.yaml", "--set",
                                          "model.path=" + stories()};
    for (const std::string& setting : settings) {
      arguments.emplace_back("--set");
      arguments.push_back(setting);
    }
    return output(arguments);
  }
  std::string convert(const std::string& from, const std::string& format, const std::string& to,
                      const std::string& dtype = "f32") const {
    return output({"convert", from, "--format", format, "--output", to, "--dtype", dtype});
  }
  json facts(const std::string& model, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"inspect", model, "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return json::parse(output(arguments));
  }
  // Exit code 2, nothing on standard output, nothing written.
  std::string refusal(const std::vector<std::string>& arguments, int code = 2) const {
    const auto before = listing(path());
    const ProcessResult result = run(arguments);
    INFO(arguments[0] << " " << arguments[1] << ": " << result.err);
    CHECK(result.code == code);
    CHECK(result.out.empty());
    CHECK(listing(path()) == before);
    return result.err;
  }
};

// Runs of the tests: all weights of the model trained, adapters alone, and a GRU.
const Models& full_run() {
  static const Models models;
  static const std::string out = models.train_stories();
  return models;
}

const Models& lora_run() {
  static const Models models;
  static const std::string out =
      models.train_stories({"model.lora.rank=2", "model.lora.target_modules=[q_proj, down_proj]",
                            "optimizer.learning_rate=1e-2"});
  return models;
}

const Models& native_run() {
  static const Models models;
  static const ProcessResult result = models.train({"train.steps=1", "warmup.steps=0"});
  if (result.code != 0) throw std::runtime_error(result.err);
  return models;
}

std::vector<std::string> export_arguments(const std::string& format, const std::string& output,
                                          const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"export",   "--checkpoint", "run",      "--which", "latest",
                                        "--format", format,         "--output", output};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

// The float32 tensors of a safetensors file, by name, as bytes; the file is trusted.
std::map<std::string, std::string> tensor_bytes(const std::string& path) {
  const std::string bytes = read_file(path);
  uint64_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof size);
  std::map<std::string, std::string> result;
  const json header = json::parse(bytes.substr(8, size));
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    const auto begin = entry["data_offsets"][0].get<size_t>();
    result[name] = bytes.substr(8 + size + begin, entry["data_offsets"][1].get<size_t>() - begin);
  }
  return result;
}

std::vector<float> floats(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// Largest difference of two files' float32 tensors, relative to the largest value of each tensor.
double largest_difference(const std::string& a, const std::string& b) {
  const auto left = tensor_bytes(a);
  const auto right = tensor_bytes(b);
  REQUIRE(left.size() == right.size());
  double largest = 0;
  for (const auto& [name, bytes] : left) {
    const auto x = floats(bytes);
    const auto y = floats(right.at(name));
    REQUIRE(x.size() == y.size());
    double scale = 1e-30;
    double difference = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      scale = std::max(scale, std::abs(static_cast<double>(x[i])));
      difference = std::max(difference, std::abs(static_cast<double>(x[i]) - y[i]));
    }
    largest = std::max(largest, difference / scale);
  }
  return largest;
}

std::vector<std::string> sample_arguments(const std::string& model,
                                          const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"sample", "--model", model, "--max-new-tokens", "40"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace

TEST_CASE("inspect tells what a model holds, as text and as JSON") {
  const Models models;
  const json facts = models.facts(stories());
  CHECK(facts["format"] == "hf");
  CHECK(facts["model_type"] == "llama");
  CHECK(facts["parameters"] == 260032);  // 512*64 + 5*(2*64*64 + 2*32*64 + 3*64*172 + 2*64) + 64
  CHECK(facts["tensors"] == 47);
  CHECK(facts["stored_bytes"] == 260032 * 4);
  CHECK(facts["num_kv_heads"] == 4);
  CHECK(facts["max_positions"] == 512);
  CHECK(facts["tied_head"] == true);
  CHECK(facts["chat_template"] == false);
  CHECK_FALSE(facts.contains("tensor_list"));
  const std::string text = models.output({"inspect", stories()});
  CHECK(contains(text, "parameters                     260032\n"));
  CHECK(contains(text, "(1.0 MB)"));
  CHECK(contains(text, "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj"));
  CHECK_FALSE(contains(text, "model.norm.weight"));
  const std::string listed = models.output({"inspect", stories(), "--tensors"});
  CHECK(contains(listed, "model.layers.4.mlp.down_proj.weight"));
  CHECK(contains(listed, "[64, 172]"));
  const json tensors = models.facts(stories(), {"--tensors"})["tensor_list"];
  REQUIRE(tensors.size() == 47);
  int64_t bytes = 0;
  for (const json& tensor : tensors) bytes += tensor["bytes"].get<int64_t>();
  CHECK(bytes == facts["stored_bytes"]);
}

TEST_CASE("inspect takes GGUF files, runs, checkpoints and adapters") {
  const Models models;
  models.convert(stories(), "gguf", "m.gguf", "q8_0");
  const json gguf = models.facts("m.gguf");
  CHECK(gguf["format"] == "gguf");
  CHECK(gguf["parameters"] == 260032);
  CHECK(gguf["metadata"]["general.architecture"] == "llama");
  CHECK(gguf["metadata"]["tokenizer.ggml.tokens"] == "array of 512");
  CHECK(gguf["bytes_Q8_0"].get<int64_t>() > 0);
  CHECK(contains(models.output({"inspect", "m.gguf"}), "llama.context_length"));

  const json run = full_run().facts("run");
  CHECK(run["format"] == "hf");
  CHECK(run["parameters"] == 260032);
  CHECK(contains(run["path"], "run/checkpoints/step-"));
  const json native = native_run().facts("run");
  CHECK(native["model_type"] == "pgtrain_gru");
  CHECK_FALSE(native.contains("num_heads"));

  const json adapter = lora_run().facts("run");
  CHECK(adapter["format"] == "peft");
  CHECK(adapter["rank"] == 2);
  CHECK(adapter["alpha"] == 16);
  CHECK(adapter["target_modules"] == "down_proj q_proj");
  CHECK(adapter["base_model"] == stories());
  CHECK(adapter["parameters"] == 5 * 2 * (64 + 64 + 172 + 64));
}

TEST_CASE("inspect of what is no model is an error in the data") {
  const Models models;
  write_file(models / "bad.gguf", "GGUF");
  fs::create_directory(models / "empty");
  CHECK(contains(models.refusal({"inspect", "none"}, 4), "none"));
  CHECK(contains(models.refusal({"inspect", "bad.gguf"}, 4), "bad.gguf"));
  CHECK(contains(models.refusal({"inspect", "empty"}, 4), "empty"));
  CHECK(contains(models.refusal({"inspect", "stories.jsonl"}, 4), "stories.jsonl"));
}

TEST_CASE("convert to GGUF and back loses nothing in f32, and no more than the type in others") {
  const Models models;
  const std::string original = stories() + "/model.safetensors";
  CHECK(
      contains(models.convert(stories(), "gguf", "m.gguf"), "m.gguf: 1.1 MB (gguf, f32), 260032"));
  models.convert("m.gguf", "hf", "back");
  CHECK(tensor_bytes(models / "back/model.safetensors") == tensor_bytes(original));
  models.convert("back", "gguf", "n.gguf");
  CHECK(models.facts("n.gguf")["bytes_F32"] == models.facts("m.gguf")["bytes_F32"]);
  struct Rounding {
    const char* format;
    const char* dtype;
    const char* stored;  // as inspect names it
    double loss;  // half of the last place, relative to the largest value; q8_0: a block's scale is
                  // f16
  };
  for (const Rounding& rounding : {Rounding{"gguf", "f16", "bytes_F16", 0x1p-11},
                                   {"gguf", "q8_0", "bytes_Q8_0", (0.5 + 127 * 0x1p-11) / 127},
                                   {"hf", "f16", "bytes_F16", 0x1p-11},
                                   {"hf", "bf16", "bytes_BF16", 0x1p-8}}) {
    const std::string name = std::string(rounding.format) + "-" + rounding.dtype;
    INFO(name);
    const std::string path = name + (rounding.format == std::string("gguf") ? ".gguf" : "");
    models.convert(stories(), rounding.format, path, rounding.dtype);
    CHECK(models.facts(path).contains(rounding.stored));
    models.convert(path, "hf", name + "-back");
    const double loss = largest_difference(models / (name + "-back/model.safetensors"), original);
    CHECK(loss > 0);
    CHECK(loss <= rounding.loss);
  }
}

TEST_CASE("convert writes shards when it is told to") {
  const Models models;
  models.output(
      {"convert", stories(), "-f", "hf", "-o", "shards", "--max-shard-gb", "0.001"});  // 1.04 MB
  CHECK(fs::exists(models / "shards/model.safetensors.index.json"));
  CHECK_FALSE(fs::exists(models / "shards/model.safetensors"));
  models.convert("shards", "hf", "whole");
  CHECK(tensor_bytes(models / "whole/model.safetensors") ==
        tensor_bytes(stories() + "/model.safetensors"));
  CHECK(contains(models.refusal({"convert", stories(), "-f", "gguf", "-o", "m.gguf",
                                 "--max-shard-gb", "0.001"}),
                 "--max-shard-gb"));
}

TEST_CASE("convert refuses what it cannot write, before anything is written") {
  const Models models;
  write_file(models / "there", "precious");
  fs::create_directory(models / "folder");
  const auto arguments = [](const std::string& model, const std::string& format,
                            const std::string& output, const std::string& dtype = "f32") {
    return std::vector<std::string>{"convert",  model,  "--format", format,
                                    "--output", output, "--dtype",  dtype};
  };
  for (const char* output : {"there", "folder"})
    for (const char* format : {"hf", "gguf"})
      CHECK(contains(models.refusal(arguments(stories(), format, output)),
                     std::string("--output ") + output + ": is there already"));
  CHECK(contains(models.refusal(arguments(stories(), "gguf", "o", "bf16")), "--dtype bf16"));
  CHECK(contains(models.refusal(arguments(stories(), "hf", "o", "q8_0")), "--dtype q8_0"));
  CHECK(contains(models.refusal(arguments("none", "hf", "o"), 4), "none"));
  // CLI11's own checks: exit code 2 as well.
  CHECK(models.run(arguments(stories(), "peft", "o")).code == 2);
  CHECK(models.run(arguments(stories(), "hf", "o", "int4")).code == 2);
  CHECK(models.run({"convert", stories(), "--format", "hf"}).code == 2);
  const std::string checkpoint = "run/checkpoints/" + native_run().link("latest");
  for (const char* format : {"hf", "gguf"}) {
    INFO(format);
    CHECK(contains(native_run().refusal(arguments(checkpoint, format, "o")),
                   "pgtrain export --checkpoint"));
  }
  write_file(models / "file", "");
  for (const char* format : {"hf", "gguf"})
    CHECK(contains(models.refusal(arguments(stories(), format, "file/o"), 5), "file"));
}

TEST_CASE("export writes a trained model for others, and gives the same text again") {
  const std::vector<std::string> flags = {"--prompt", "Once upon a time", "--json", "--count", "2"};
  const Models& models = full_run();
  const std::string expected =
      models.output({"sample", "--checkpoint", "run", "--which", "latest", "--max-new-tokens", "40",
                     "--prompt", "Once upon a time", "--json", "--count", "2"});
  CHECK(contains(models.output(export_arguments("hf", "hf")), "hf: 1.1 MB (hf, f32), 260032"));
  CHECK(tensor_bytes(models / "hf/model.safetensors") ==
        tensor_bytes(models / "run/checkpoints/latest/model.safetensors"));
  CHECK(models.output(sample_arguments("hf", flags)) == expected);
  models.output(export_arguments("gguf", "m.gguf"));
  CHECK(models.output(sample_arguments("m.gguf", flags)) == expected);
  for (const char* name : {"manifest.json", "state.json", "optimizer.safetensors"})
    CHECK_FALSE(fs::exists(models / ("hf/" + std::string(name))));
}

TEST_CASE("export writes an adapter alone, or merged into its base") {
  const Models& models = lora_run();
  models.output(export_arguments("peft", "adapter"));
  CHECK(tensor_bytes(models / "adapter/adapter_model.safetensors") ==
        tensor_bytes(models / "run/checkpoints/latest/adapter_model.safetensors"));
  CHECK(models.facts("adapter")["base_model"] == stories());
  models.output(export_arguments("hf", "merged", {"--merge"}));
  CHECK(largest_difference(models / "merged/model.safetensors", stories() + "/model.safetensors") >
        0);
  models.convert("adapter", "hf", "converted");  // merges, too
  CHECK(tensor_bytes(models / "merged/model.safetensors") ==
        tensor_bytes(models / "converted/model.safetensors"));
  models.output(export_arguments("gguf", "merged.gguf", {"--merge", "--dtype", "f32"}));
  models.convert("merged.gguf", "hf", "back");
  CHECK(tensor_bytes(models / "merged/model.safetensors") ==
        tensor_bytes(models / "back/model.safetensors"));
  // Greedy text is the same with the adapter apart and merged.
  const std::vector<std::string> flags = {"--prompt", "One day, Anna", "--greedy"};
  const std::string expected = models.output(sample_arguments("adapter", flags));
  CHECK(models.output(sample_arguments("merged", flags)) == expected);
  CHECK(models.output(sample_arguments("merged.gguf", flags)) == expected);
  CHECK(models.output(sample_arguments("run/checkpoints/latest", flags)) == expected);
}

TEST_CASE("export refuses what makes no sense, before anything is written") {
  const Models& full = full_run();
  const Models& lora = lora_run();
  const Models& native = native_run();
  for (const char* format : {"hf", "gguf", "peft"}) {
    INFO(format);
    CHECK(contains(full.refusal(export_arguments(format, "stories.jsonl")),
                   "--output stories.jsonl: is there already"));
  }
  CHECK(contains(full.refusal(export_arguments("gguf", "o", {"--dtype", "bf16"})),
                 "--dtype bf16: GGUF files are written as f32, f16 or q8_0"));
  CHECK(contains(full.refusal(export_arguments("hf", "o", {"--dtype", "q8_0"})),
                 "--dtype q8_0: only GGUF files hold it"));
  CHECK(contains(lora.refusal(export_arguments("peft", "o", {"--dtype", "f16"})),
                 "--dtype: adapters are written as f32"));
  CHECK(contains(full.refusal(export_arguments("peft", "o")),
                 "--format peft: the policy has no adapter"));
  CHECK(contains(full.refusal(export_arguments("hf", "o", {"--merge"})),
                 "--merge: the policy has no adapter"));
  CHECK(contains(lora.refusal(export_arguments("peft", "o", {"--merge"})),
                 "--merge with --format peft"));
  for (const char* format : {"hf", "gguf"}) {
    INFO(format);
    const std::string apart = lora.refusal(export_arguments(format, "o"));
    CHECK(contains(apart, "--format " + std::string(format) + ": the policy is an adapter on"));
    CHECK(contains(apart, "--merge"));
    CHECK(contains(native.refusal(export_arguments(format, "o")),
                   "a policy of kind 'gru' has no form that other tools know"));
  }
  CHECK(contains(native.refusal(export_arguments("peft", "o")), "no adapter"));
  CHECK(contains(full.refusal({"export", "--checkpoint", "none", "--format", "hf", "-o", "o"}, 4),
                 "none"));
}

TEST_CASE("export of a Llama-type model with a char tokenizer goes to hf but not to gguf") {
  const Models models;
  REQUIRE(models
              .run({"train", "--config", "stories.yaml", "--set", "model.kind=llama", "--set",
                    "model.hidden_size=16", "--set", "model.num_heads=2", "--set", "train.steps=0",
                    "--set", "model.max_positions=128"})
              .code == 0);
  CHECK(contains(models.refusal(export_arguments("gguf", "o")),
                 "GGUF has no form for a tokenizer of kind char, byte or word"));
  models.output(export_arguments("hf", "hf"));
  CHECK(tensor_bytes(models / "hf/model.safetensors") ==
        tensor_bytes(models / "run/checkpoints/latest/model.safetensors"));
}

TEST_CASE("sample: a Hugging Face folder and its GGUF file give the same text") {
  const Models models;
  models.convert(stories(), "gguf", "m.gguf");
  models.convert(stories(), "hf", "hf");
  const std::vector<std::string> flags = {
      "--prompt", "Once upon a time", "--prompt", "", "--count", "3", "--json"};
  const std::string expected = models.output(sample_arguments(stories(), flags));
  CHECK(std::count(expected.begin(), expected.end(), '\n') == 6);
  CHECK(models.output(sample_arguments("hf", flags)) == expected);
  CHECK(models.output(sample_arguments("m.gguf", flags)) == expected);
}

TEST_CASE("sample: what is printed as it grows is the completion, byte for byte") {
  const Models models;
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{"--prompt", "Once upon a time"},
        {"--prompt", ""},
        {"--prompt", "One day", "--seed", "7", "--temperature", "2"},  // parts of characters, too
        {"--prompt", "One day", "--seed", "8", "--temperature", "5"},
        {"--prompt", "One day", "--greedy", "--max-new-tokens", "1"},
        {"--prompt", "The end.", "--greedy", "--max-new-tokens", "500"}}) {
    std::vector<std::string> with_json = flags;
    with_json.emplace_back("--json");
    const std::vector<std::string> command = {"sample", "--model", stories()};
    const auto arguments = [&](const std::vector<std::string>& more) {
      std::vector<std::string> all = command;
      all.insert(all.end(), more.begin(), more.end());
      return all;
    };
    const json line = json::parse(models.output(arguments(with_json)));
    INFO(line.dump());
    CHECK(models.output(arguments(flags)) == line["completion"].get<std::string>() + "\n");
  }
}

TEST_CASE("sample: prompts and the model's positions") {
  const Models models;
  // Completions end where the positions do: 512 read tokens and one more.
  const json line = json::parse(
      models.output({"sample", "--model", stories(), "--prompt", "One day", "--json",
                     "--temperature", "3", "--seed", "1", "--max-new-tokens", "100000"}));
  INFO(line.dump());
  CHECK((line["finished"] == true || line["tokens"].get<int>() > 480));
  CHECK(line["tokens"].get<int>() <= 512);
  std::string text;
  for (int i = 0; i < 600; ++i) text += " a";
  const std::string message = models.refusal({"sample", "--model", stories(), "--prompt", text}, 4);
  CHECK(contains(message, "prompt 1 has "));
  CHECK(contains(message, "the model reads 512 at most"));
  // One of several: nothing is printed.
  models.refusal({"sample", "--model", stories(), "--prompt", "a", "--prompt", text}, 4);
}

TEST_CASE("sample: chat needs a template, a system message needs chat") {
  const Models models;
  CHECK(contains(models.refusal({"sample", "--model", stories(), "--system", "Be kind."}),
                 "--system has no effect without a chat template: add --chat"));
  CHECK(contains(models.refusal({"sample", "--model", stories(), "--chat"}),
                 "the model brings no chat template"));
  models.convert(stories(), "hf", "chat");
  write_file(models / "chat/chat_template.jinja",
             "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}");
  const std::vector<std::string> greedy = {"--prompt", "Hello", "--greedy"};
  const auto sample = [&](std::vector<std::string> more) {
    more.insert(more.end(), greedy.begin(), greedy.end());
    return models.output(sample_arguments("chat", more));
  };
  const std::string chat = sample({"--chat"});
  CHECK(sample({"--chat", "--system", "Sing."}) != chat);
  CHECK(sample({}) == models.output(sample_arguments(stories(), greedy)));
  // A GGUF file carries the template along.
  models.convert("chat", "gguf", "chat.gguf");
  CHECK(models.output(sample_arguments("chat.gguf", {"--chat", "--prompt", "Hello", "--greedy"})) ==
        chat);
}

TEST_CASE("sample: a run with data.chat_template needs no flag") {
  const Models models;
  models.train_stories({"data.chat_template=plain", "data.system_prompt=Sing.", "train.steps=0"});
  const auto sample = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--prompt", "Hello", "--greedy"});
    return models.output(sample_arguments("run", more));
  };
  const std::string text = sample({});
  CHECK(sample({"--chat"}) == text);
  CHECK(sample({"--system", "Sing."}) == text);
  CHECK(sample({"--system", "Weep."}) != text);
}

TEST_CASE("a program without its engine beside it says so") {
  const TempDir dir;
  fs::copy_file(PGTRAIN_BINARY, dir / "pgtrain");
  ProcessOptions options;
  options.program = dir / "pgtrain";
  const ProcessResult result = run_pgtrain({"inspect", stories()}, options);
  CHECK(result.code == 1);
  CHECK(contains(result.err, "pgtrain-engine belongs beside pgtrain"));
  CHECK(run_pgtrain({"--version"}, options).code == 0);
  // As it is installed: bin/pgtrain and libexec/pgtrain/pgtrain-engine.
  fs::create_directories(dir / "bin");
  fs::create_directories(dir / "libexec/pgtrain");
  fs::rename(dir / "pgtrain", dir / "bin/pgtrain");
  fs::copy_file(fs::path(PGTRAIN_BINARY).parent_path() / "pgtrain-engine",
                dir / "libexec/pgtrain/pgtrain-engine");
  options.program = dir / "bin/pgtrain";
  CHECK(run_pgtrain({"inspect", stories()}, options).code == 0);
}
