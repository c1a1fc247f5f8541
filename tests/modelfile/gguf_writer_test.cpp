#include "modelfile/gguf_writer.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "modelfile/gguf_file.h"
#include "modelfile/pretrained.h"
#include "support/tensors.h"

namespace pgtrain {
namespace {

using Json = nlohmann::json;
using test::contains;
using test::TempDir;

const std::string kFolder = "tests/golden/modelfile/";

std::vector<NamedTensor> all_tensors(const WeightSource& weights) {
  std::vector<NamedTensor> tensors;
  for (const std::string& name : weights.names()) tensors.push_back({name, weights.tensor(name)});
  return tensors;
}

GgufVocabulary vocabulary(size_t tokens) {
  GgufVocabulary result;
  result.model = "gpt2";
  result.pre = "gpt-2";
  for (size_t i = 0; i < tokens; ++i) result.tokens.push_back("t" + std::to_string(i));
  result.merges = {"t 1"};
  result.bos = 0;
  result.eos = 1;
  result.add_bos = true;
  result.chat_template = "{{ 1 }}";
  return result;
}

TEST_CASE("tensors are encoded as the Python package gguf encodes them", "[modelfile]") {
  const TempDir dir;
  const PretrainedModel model = open_pretrained(kFolder + "sharded");
  for (const std::string dtype : {"F16", "Q8_0"}) {
    write_gguf(dir / "m.gguf", model.config, vocabulary(40), all_tensors(*model.weights),
               {dtype, "tiny"});
    const GgufFile written = GgufFile::open(dir / "m.gguf");
    const std::string bytes = test::read_file(dir / "m.gguf");
    const TensorFile expected = TensorFile::open(kFolder + "export_" + dtype + ".safetensors");
    CHECK(written.tensors().size() == expected.names().size());
    for (const GgufTensor& tensor : written.tensors()) {
      INFO(tensor.name);
      const at::Tensor raw =
          expected.tensor(tensor.name + "|" + tensor.type->name);  // the type is part of the name
      REQUIRE(static_cast<uint64_t>(raw.numel()) == tensor.end - tensor.begin);
      CHECK(bytes.compare(tensor.begin, tensor.end - tensor.begin,
                          static_cast<const char*>(raw.data_ptr()), raw.nbytes()) == 0);
    }
  }
}

TEST_CASE("config, vocabulary and tensors make the round trip", "[modelfile]") {
  const TempDir dir;
  for (const char* source : {"llama.gguf", "gpt2.gguf"}) {
    const PretrainedModel model = open_pretrained(kFolder + source);
    write_gguf(dir / "m.gguf", model.config, *model.vocabulary, all_tensors(*model.weights),
               {"F32", ""});
    const PretrainedModel back = open_pretrained(dir / "m.gguf");
    CHECK(back.config == model.config);
    CHECK(back.vocabulary->tokens == model.vocabulary->tokens);
    CHECK(back.vocabulary->types == model.vocabulary->types);
    CHECK(back.vocabulary->merges == model.vocabulary->merges);
    CHECK(back.vocabulary->eos == model.vocabulary->eos);
    CHECK(back.vocabulary->add_bos == model.vocabulary->add_bos);
    CHECK(back.chat_template == model.chat_template);
    REQUIRE(back.weights->names().size() == model.weights->names().size());
    for (const std::string& name : model.weights->names()) {
      INFO(name);
      CHECK(test::same_bits(back.weights->tensor(name), model.weights->tensor(name)));
    }
  }
}

TEST_CASE("rope scaling makes the round trip", "[modelfile]") {
  const TempDir dir;
  const PretrainedModel model = open_pretrained(kFolder + "llama.gguf");
  const auto tensors = all_tensors(*model.weights);
  const auto round_trip = [&](const Json& config) {
    write_gguf(dir / "m.gguf", config, *model.vocabulary, tensors, {"F32", ""});
    return open_pretrained(dir / "m.gguf").config;
  };
  Json config = model.config;
  for (const Json& scaling : {Json(), Json{{"rope_type", "linear"}, {"factor", 2.5}},
                              Json{{"rope_type", "yarn"},
                                   {"factor", 4.0},
                                   {"original_max_position_embeddings", 16},
                                   {"attention_factor", 1.25},
                                   {"beta_fast", 32.0},
                                   {"beta_slow", 1.0}}}) {
    config["rope_scaling"] = scaling;
    CHECK(round_trip(config) == config);
  }
  // The original length is found again from the factors.
  Json other = model.config;
  other["rope_scaling"]["original_max_position_embeddings"] = 5000;
  other["rope_scaling"]["factor"] = 32.0;
  CHECK(round_trip(other) == other);
  // transformers 5 keeps theta and scaling together.
  Json recent = model.config;
  recent.erase("rope_theta");
  recent["rope_parameters"] = recent["rope_scaling"];
  recent["rope_parameters"]["rope_theta"] = 500000.0;
  recent.erase("rope_scaling");
  CHECK(round_trip(recent) == model.config);
  config["rope_scaling"] = nullptr;
  config["pgtrain_rope_factors"] = {1.0, 1.5, 2.0, 4.0};
  CHECK(round_trip(config) == config);
}

TEST_CASE("sliding windows make the round trip", "[modelfile]") {
  const TempDir dir;
  const PretrainedModel model = open_pretrained(kFolder + "llama.gguf");
  for (const char* family : {"mistral", "qwen2", "qwen3"}) {
    INFO(family);
    Json config = model.config;
    config["model_type"] = family;
    config["rope_scaling"] = nullptr;
    config["sliding_window"] = 6;
    config["use_sliding_window"] = true;
    write_gguf(dir / "m.gguf", config, *model.vocabulary, all_tensors(*model.weights), {"F32", ""});
    const Json back = open_pretrained(dir / "m.gguf").config;
    CHECK(back["model_type"] == family);
    CHECK(back["sliding_window"] == 6);
    // transformers gives the window to the layers from this one on.
    if (back["model_type"] != "mistral") CHECK(back["max_window_layers"] == 0);
  }
}

TEST_CASE("embeddings beyond the tokens get placeholder tokens", "[modelfile]") {
  const TempDir dir;
  const PretrainedModel model = open_pretrained(kFolder + "sharded");
  GgufVocabulary small = vocabulary(38);
  small.scores.assign(38, 0);
  write_gguf(dir / "m.gguf", model.config, small, all_tensors(*model.weights));
  const PretrainedModel back = open_pretrained(dir / "m.gguf");
  CHECK(back.vocabulary->tokens[37] == "t37");
  CHECK(back.vocabulary->tokens[39] == "[PAD39]");
  CHECK(back.vocabulary->types[37] == 1);
  CHECK(back.vocabulary->types[39] == 5);
  CHECK(back.vocabulary->scores.size() == 40);
}

TEST_CASE("tied embeddings are written once", "[modelfile]") {
  const TempDir dir;
  const PretrainedModel model = open_pretrained(kFolder + "sharded");
  Json config = model.config;
  config["tie_word_embeddings"] = true;
  write_gguf(dir / "m.gguf", config, vocabulary(40), all_tensors(*model.weights));
  CHECK(GgufFile::open(dir / "m.gguf").find_tensor("output.weight") == nullptr);
  CHECK(open_pretrained(dir / "m.gguf").config["tie_word_embeddings"] == true);
}

TEST_CASE("what GGUF cannot hold is a data error and leaves no file", "[modelfile]") {
  const TempDir dir;
  const PretrainedModel model = open_pretrained(kFolder + "sharded");
  const auto tensors = all_tensors(*model.weights);
  const auto problem = [&](const Json& config, const std::vector<NamedTensor>& given,
                           size_t tokens = 40, const std::string& dtype = "F16") {
    return test::message_of<DataError>([&] {
      write_gguf(dir / "m.gguf", config, vocabulary(tokens), given, {dtype, ""});
    });
  };
  const auto changed = [&](const char* key, const Json& value) {
    Json config = model.config;
    config[key] = value;
    return problem(config, tensors);
  };
  CHECK(contains(changed("model_type", "falcon"), "llama, mistral, qwen2, qwen3, gpt2"));
  CHECK(contains(changed("hidden_act", "gelu"), "silu only"));
  CHECK(contains(changed("vocab_size", 41), "vocab_size 41"));
  CHECK(contains(changed("num_attention_heads", 8), "heads of size"));
  CHECK(contains(changed("hidden_size", "x"), "\"hidden_size\" is \"x\""));
  CHECK(contains(changed("rope_scaling", {{"rope_type", "longrope"}}), "longrope"));
  CHECK(contains(problem(model.config, tensors, 41), "41 tokens"));
  CHECK(contains(problem(model.config, {}), "no embedding"));
  auto given = tensors;
  given.push_back({"model.layers.0.self_attn.sinks", at::ones({4})});
  CHECK(contains(problem(model.config, given), "no place for it"));
  given = tensors;
  given[0].tensor = given[0].tensor.clone().fill_(1e6);
  CHECK(contains(problem(model.config, given), "beyond the range of F16"));
  given[0].tensor.fill_(std::numeric_limits<float>::quiet_NaN());
  CHECK(contains(problem(model.config, given, 40, "Q8_0"), "not finite"));
  CHECK(std::filesystem::is_empty(dir.path()));
  CHECK_THROWS_AS(write_gguf(dir / "none/m.gguf", model.config, vocabulary(40), tensors),
                  DiskError);
}

}  // namespace
}  // namespace pgtrain
