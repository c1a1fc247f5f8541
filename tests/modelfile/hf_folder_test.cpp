#include "modelfile/hf_folder.h"

#include <ATen/ATen.h>
#include <sys/stat.h>

#include <filesystem>

#include "core/error.h"
#include "modelfile/json_file.h"
#include "modelfile/model_summary.h"
#include "modelfile/pretrained.h"
#include "support/tensors.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::contains;
using test::message_of;
using test::TempDir;

const std::string kFolder = "tests/golden/modelfile/";

std::string problem(const fs::path& path) {
  const auto message = message_of<DataError>([&] { open_pretrained(path); });
  if (!message.empty()) CHECK(contains(message, path.string()));
  return message;
}

// A folder that opens, to be damaged.
fs::path sharded_copy(const TempDir& dir) {
  fs::copy(kFolder + "sharded", dir.path() / "m", fs::copy_options::recursive);
  return dir.path() / "m";
}

Json read_index(const fs::path& folder) {
  return read_json_object(folder / "model.safetensors.index.json", 1 << 20);
}
void write_index(const fs::path& folder, const Json& index) {
  test::write_file((folder / "model.safetensors.index.json").string(), index.dump());
}

TEST_CASE("a sharded folder of transformers is read bit for bit", "[modelfile]") {
  const PretrainedModel model = open_pretrained(kFolder + "sharded");
  CHECK(model.format == "hf");
  CHECK(model.config["model_type"] == "llama");
  CHECK(model.generation_config["eos_token_id"] == 1);
  CHECK(model.tokenizer.is_null());
  CHECK(model.chat_template.empty());
  const TensorFile expected = TensorFile::open(kFolder + "sharded.safetensors");
  CHECK(model.weights->names().size() == expected.names().size());
  for (const std::string& name : expected.names()) {
    INFO(name);
    CHECK(model.weights->dtype(name) == "BF16");
    CHECK(test::same_bits(model.weights->tensor(name), expected.tensor(name)));
    // In place, also into strides and other types.
    const at::Tensor transposed = at::zeros(expected.shape(name)).t().contiguous().t();
    model.weights->read_into(name, transposed);
    CHECK(test::same_bits(transposed, expected.tensor(name)));
    const at::Tensor wide = at::zeros(expected.shape(name), at::kDouble);
    model.weights->read_into(name, wide);
    CHECK(test::same_bits(wide.to(at::kFloat), expected.tensor(name)));
  }
  CHECK(contains(message_of<DataError>([&] { model.weights->tensor("none"); }),
                 "\"none\" is missing"));
  CHECK(contains(message_of<DataError>(
                     [&] { model.weights->read_into("model.norm.weight", at::zeros({31})); }),
                 "has the shape [32], the model needs [31]"));
}

TEST_CASE("a summary counts parameters and bytes", "[modelfile]") {
  const ModelSummary summary = summarise(open_pretrained(kFolder + "sharded"));
  // 2 (40 x 32) + 32 + 2 layers of 2 (32 x 32) + 2 (16 x 32) + 3 (48 x 32) + 2 x 32.
  CHECK(summary.parameters == 2560 + 32 + 2 * (2048 + 1024 + 4608 + 64));
  CHECK(summary.bytes == 2 * static_cast<uint64_t>(summary.parameters));
  CHECK(summary.dtype_bytes.at("BF16") == summary.bytes);
  CHECK(summary.model_type == "llama");
  CHECK(summary.tensors.size() == 21);
  const ModelSummary gguf = summarise(open_pretrained(kFolder + "llama.gguf"));
  CHECK(gguf.dtype_bytes.at("Q4_1") == 40 * 20);
  const ModelSummary adapter = summarise(open_pretrained(kFolder + "lora_llama"));
  CHECK(adapter.format == "peft");
  CHECK(adapter.tensors[0].name == "model.layers.0.mlp.down_proj.lora_A");
}

TEST_CASE("what is written is read back, whole or in shards, in every dtype", "[modelfile]") {
  const TempDir dir;
  ModelFiles files;
  files.config = {{"model_type", "llama"}, {"dtype", "bfloat16"}};
  files.generation_config = {{"eos_token_id", {1, 2}}};
  files.tokenizer = {{"model", {{"vocab", {{"\u00e4", 0}}}}}};
  files.tokenizer_config = {{"model_max_length", 8}};
  files.chat_template = "{{ 1 }}\n";
  const std::vector<NamedTensor> tensors = {
      {"a", at::randn({8, 4})}, {"b", at::randn({4, 8}).t()}, {"c", at::randn({3}, at::kDouble)}};
  for (const at::ScalarType dtype : {at::kFloat, at::kHalf, at::kBFloat16}) {
    for (const uint64_t limit : {uint64_t{1} << 30, uint64_t{1}}) {
      const fs::path folder = dir.path() / "out";
      write_hf_folder(folder, files, tensors, {dtype, limit});
      const PretrainedModel model = open_pretrained(folder);
      CHECK(fs::exists(folder / "model.safetensors") == (limit > 1));
      CHECK(fs::exists(folder / "model-00003-of-00003.safetensors") == (limit == 1));
      for (const auto& [name, tensor] : tensors)
        CHECK(test::same_bits(model.weights->tensor(name), tensor.to(dtype).to(at::kFloat)));
      CHECK_FALSE(model.config.contains("dtype"));
      CHECK(model.config["torch_dtype"] == (dtype == at::kFloat  ? "float32"
                                            : dtype == at::kHalf ? "float16"
                                                                 : "bfloat16"));
      CHECK(model.generation_config == files.generation_config);
      CHECK(model.tokenizer == files.tokenizer);
      CHECK(model.tokenizer_config == files.tokenizer_config);
      CHECK(model.chat_template == files.chat_template);
      // A second writing may not touch what is there.
      CHECK(contains(message_of<DataError>([&] { write_hf_folder(folder, files, tensors); }),
                     "exists already"));
      fs::remove_all(folder);
    }
  }
  CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("a folder that cannot be finished leaves nothing", "[modelfile]") {
  const TempDir dir;
  ModelFiles files;
  files.config = Json::object();
  const std::vector<NamedTensor> twice = {{"a", at::ones({1})}, {"a", at::ones({1})}};
  CHECK_THROWS_AS(write_hf_folder(dir.path() / "out", files, twice), InternalError);
  files.config = nullptr;
  CHECK_THROWS_AS(write_hf_folder(dir.path() / "out", files, {{"a", at::ones({1})}}),
                  InternalError);
  CHECK(fs::is_empty(dir.path()));
  test::write_file(dir / "file", "");
  files.config = Json::object();
  CHECK_THROWS_AS(write_hf_folder(dir.path() / "file/out", files, {{"a", at::ones({1})}}),
                  DiskError);
}

TEST_CASE("index and shards must agree", "[modelfile]") {
  const TempDir dir;
  const fs::path folder = sharded_copy(dir);
  const Json index = read_index(folder);
  CHECK(problem(folder) == "");
  const auto with = [&](const std::function<void(Json&)>& change) {
    Json changed = index;
    change(changed);
    write_index(folder, changed);
    return problem(folder);
  };
  const std::string norm = "model.norm.weight";
  CHECK(contains(with([&](Json& i) { i["weight_map"].erase(norm); }), "does not list it"));
  CHECK(contains(with([&](Json& i) { i["weight_map"]["extra"] = i["weight_map"][norm]; }),
                 "\"extra\" is missing"));
  CHECK(contains(with([&](Json& i) { i["weight_map"][norm] = "model-00001-of-00004.safetensors"; }),
                 "model.norm.weight"));
  CHECK(contains(with([&](Json& i) { i["weight_map"][norm] = 3; }), "must be a text"));
  CHECK(
      contains(with([&](Json& i) { i["weight_map"] = Json::array(); }), "\"weight_map\" must be"));
  CHECK(
      contains(with([&](Json& i) { i["weight_map"] = Json::object(); }), "\"weight_map\" must be"));
  CHECK(contains(with([&](Json& i) { i["metadata"]["total_size"] = 1e9; }), "not whole"));
  CHECK(contains(with([&](Json& i) { i["metadata"]["total_size"] = "x"; }), "must be a number"));
  CHECK(with([&](Json& i) { i.erase("metadata"); }) == "");
  for (const char* name :
       {"../m/model-00001-of-00004.safetensors", "/etc/passwd", "", ".hidden.safetensors",
        "sub/model.safetensors", "..", "a\\b.safetensors", "config.json", ".safetensors"})
    CHECK(contains(with([&](Json& i) { i["weight_map"][norm] = name; }),
                   "must be the name of a .safetensors file"));
  write_index(folder, index);
  fs::remove(folder / "model-00002-of-00004.safetensors");
  CHECK(contains(problem(folder), "00002-of-00004.safetensors: cannot open"));
}

TEST_CASE("links may lead into the folder or the hub's cache, nowhere else", "[modelfile]") {
  const TempDir dir;
  const fs::path snapshot = dir.path() / "models--x" / "snapshots" / "abc";
  fs::create_directories(snapshot);
  fs::create_directories(dir.path() / "models--x" / "blobs");
  test::write_file((snapshot / "config.json").string(), "{}");
  const fs::path blob = dir.path() / "models--x" / "blobs" / "d1";
  write_tensor_file(blob, {{"a", at::ones({1})}});
  fs::create_symlink("../../blobs/d1", snapshot / "model.safetensors");
  CHECK(open_pretrained(snapshot).weights->has("a"));
  fs::rename(blob, dir.path() / "outside");
  fs::remove(snapshot / "model.safetensors");
  fs::create_symlink(dir.path() / "outside", snapshot / "model.safetensors");
  CHECK(contains(problem(snapshot), "is a link out of the folder"));
  fs::rename(dir.path() / "outside", snapshot / "inside");
  fs::remove(snapshot / "model.safetensors");
  fs::create_symlink("inside", snapshot / "model.safetensors");
  CHECK(problem(snapshot) == "");
}

TEST_CASE("GPT-2 of the hub gets its prefix and loses its masks", "[modelfile]") {
  const TempDir dir;
  test::write_file(dir / "config.json", R"({"model_type": "gpt2"})");
  write_tensor_file(dir / "model.safetensors",
                    {{"wte.weight", at::ones({2, 2})},
                     {"h.0.attn.bias", at::ones({1, 1, 2, 2}, at::kByte)},
                     {"h.0.attn.masked_bias", at::ones({})},
                     {"h.0.attn.c_attn.bias", at::ones({6})},
                     {"ln_f.bias", at::ones({2})},
                     {"lm_head.weight", at::ones({2, 2})}});
  auto names = open_pretrained(dir.path()).weights->names();
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"transformer.h.0.attn.c_attn.bias",
                                          "transformer.ln_f.bias", "transformer.wte.weight"});
  test::write_file(dir / "config.json", R"({"model_type": "gpt2", "tie_word_embeddings": false})");
  CHECK(open_pretrained(dir.path()).weights->has("lm_head.weight"));
  write_tensor_file(dir / "model.safetensors", {{"wte.weight", at::ones({2, 2})},
                                                {"transformer.wte.weight", at::ones({2, 2})}});
  CHECK(contains(problem(dir.path()), "is there already"));
}

TEST_CASE("weights of another dtype are refused when they are read", "[modelfile]") {
  const TempDir dir;
  test::write_file(dir / "config.json", R"({"model_type": "llama"})");
  write_tensor_file(dir / "model.safetensors",
                    {{"a", at::ones({2}, at::kLong)}, {"x.rotary_emb.inv_freq", at::ones({2})}});
  const PretrainedModel model = open_pretrained(dir.path());
  CHECK(model.weights->names() == std::vector<std::string>{"a"});
  CHECK(contains(message_of<DataError>([&] { model.weights->tensor("a"); }),
                 "I64; weights must be F32, F16 or BF16"));
}

TEST_CASE("the chat template: a file, a text, a list", "[modelfile]") {
  const TempDir dir;
  const auto read = [&](const std::string& tokenizer_config) {
    test::write_file(dir / "tokenizer_config.json", tokenizer_config);
    return read_tokenizer_files(dir.path()).chat_template;
  };
  CHECK(read("{}").empty());
  CHECK(read(R"({"chat_template": "A"})") == "A");
  CHECK(read(R"({"chat_template": [{"name": "tool", "template": "T"},
                                   {"name": "default", "template": "D"}]})") == "D");
  CHECK(read(R"({"chat_template": [{"name": "tool", "template": "T"}]})").empty());
  CHECK_THROWS_AS(read(R"({"chat_template": 3})"), DataError);
  test::write_file(dir / "chat_template.jinja", "J");
  CHECK(read(R"({"chat_template": "A"})") == "J");
  test::write_file(dir / "tokenizer.model", "spm\xff");
  CHECK(read_tokenizer_files(dir.path()).tokenizer_model == "spm\xff");
  test::write_file(dir / "tokenizer.json", "{}");
  CHECK(read_tokenizer_files(dir.path()).tokenizer_model.empty());
}

TEST_CASE("folders without a readable model are refused with the reason", "[modelfile]") {
  const TempDir dir;
  CHECK(contains(problem(dir / "none"), "no such file or folder"));
  CHECK(contains(problem(dir.path()), "has no config.json"));
  test::write_file(dir / "config.json", "{}");
  CHECK(contains(problem(dir.path()), "neither model.safetensors nor"));
  test::write_file(dir / "pytorch_model.bin", "");
  CHECK(contains(problem(dir.path()), "a Python pickle"));
  test::write_file(dir / "a.gguf", "");
  CHECK(contains(problem(dir.path()), "not a GGUF file"));
  test::write_file(dir / "b.gguf", "");
  CHECK(contains(problem(dir.path()), "2 GGUF files"));
  CHECK(contains(problem(dir / "config.json"), "is not a GGUF file"));
  test::write_file(dir / "model.safetensors", "");
  CHECK(contains(problem(dir.path()), "too short"));
  fs::remove(dir.path() / "config.json");
  REQUIRE(::mkfifo((dir / "config.json").c_str(), 0600) == 0);
  CHECK(contains(problem(dir.path()), "not a plain file"));
}

TEST_CASE("JSON is bounded and strict", "[modelfile]") {
  const auto message = [](const std::string& text) {
    return message_of<DataError>([&] { parse_json_object(text, "f.json"); });
  };
  CHECK(message("{}") == "");
  CHECK(contains(message("[]"), "f.json: must hold a JSON object"));
  CHECK(contains(message(R"({"a": 1, "a": 2})"), "\"a\" stands there twice"));
  CHECK(contains(message(R"({"a": {"b": 1, "b": 2}})"), "\"b\" stands there twice"));
  CHECK(contains(message("{"), "not valid JSON (byte"));
  CHECK(contains(message(std::string("{}\0", 3)), "zero byte"));
  CHECK(contains(message("{\"a\": \"\xff\"}"), "not valid JSON"));
  CHECK(contains(message("{\"a\": " + std::string(100'000, '[')), "64 levels deep"));
  CHECK(message("{\"a\": " + std::string(63, '[') + std::string(63, ']') + "}") == "");
}

}  // namespace
}  // namespace pgtrain
