#include "modelfile/gguf_model.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "gguf_builder.h"
#include "modelfile/gguf_names.h"
#include "modelfile/pretrained.h"
#include "support/tensors.h"

namespace pgtrain {
namespace {

using Json = nlohmann::json;
using test::contains;
using test::GgufBuilder;
using test::raw;
using test::tiny_gguf;

const std::string kFolder = "tests/golden/modelfile/";

PretrainedModel open(const GgufBuilder& builder) {
  return open_gguf(FileBytes::from_memory(builder.bytes(), "x.gguf"));
}

std::string problem(const GgufBuilder& builder) {
  const auto message = test::message_of<DataError>([&] { open(builder); });
  if (!message.empty()) CHECK(contains(message, "x.gguf: "));
  return message;
}

void check_weights(const PretrainedModel& model, const std::string& golden) {
  const TensorFile expected = TensorFile::open(golden);
  CHECK(model.weights->names().size() == expected.names().size());
  for (const std::string& name : expected.names()) {
    INFO(name);
    REQUIRE(model.weights->has(name));
    CHECK(model.weights->shape(name) == expected.shape(name));
    CHECK(test::same_bits(model.weights->tensor(name), expected.tensor(name)));
  }
}

TEST_CASE("a llama file of the Python package is read bit for bit", "[modelfile]") {
  const PretrainedModel model = open_pretrained(kFolder + "llama.gguf");
  CHECK(model.format == "gguf");
  check_weights(model, kFolder + "llama.safetensors");
  CHECK(model.weights->dtype("model.layers.0.mlp.down_proj.weight") == "Q6_K");
  const Json expected = {{"architectures", {"LlamaForCausalLM"}},
                         {"model_type", "llama"},
                         {"hidden_size", 32},
                         {"intermediate_size", 256},
                         {"num_hidden_layers", 1},
                         {"num_attention_heads", 4},
                         {"num_key_value_heads", 2},
                         {"head_dim", 8},
                         {"vocab_size", 40},
                         {"max_position_embeddings", 64},
                         {"rms_norm_eps", 1e-5},
                         {"rope_theta", 500000.0},
                         {"rope_scaling",
                          {{"rope_type", "llama3"},
                           {"factor", 8.0},
                           {"low_freq_factor", 1.0},
                           {"high_freq_factor", 4.0},
                           {"original_max_position_embeddings", 8192}}},
                         {"tie_word_embeddings", false},
                         {"attention_bias", false},
                         {"mlp_bias", false},
                         {"hidden_act", "silu"},
                         {"bos_token_id", 0},
                         {"eos_token_id", 1}};
  CHECK(model.config == expected);
  CHECK(model.generation_config == Json{{"bos_token_id", 0}, {"eos_token_id", 1}});
}

TEST_CASE("the vocabulary of a file of the Python package", "[modelfile]") {
  const PretrainedModel model = open_pretrained(kFolder + "llama.gguf");
  REQUIRE(model.vocabulary);
  const GgufVocabulary& vocabulary = *model.vocabulary;
  CHECK(vocabulary.model == "gpt2");
  CHECK(vocabulary.pre == "gpt-2");
  CHECK(vocabulary.tokens.size() == 40);
  CHECK(vocabulary.tokens[39] == "\u0120\u00e9");
  CHECK(vocabulary.types[1] == 3);
  CHECK(vocabulary.types[2] == 1);
  CHECK(vocabulary.scores.empty());
  CHECK(vocabulary.merges == std::vector<std::string>{"t 1", "t1 2"});
  CHECK(vocabulary.bos == 0);
  CHECK(vocabulary.eos == 1);
  CHECK(vocabulary.unk == -1);
  CHECK(vocabulary.pad == -1);
  CHECK(vocabulary.add_bos == false);
  CHECK_FALSE(vocabulary.add_eos);
  CHECK(model.chat_template == "{{ messages[0]['content'] }}");
  CHECK(model.metadata.at("tokenizer.ggml.tokens") == "array of 40");
  CHECK(model.metadata.at("general.architecture") == "llama");
}

TEST_CASE("a GPT-2 file of the Python package comes back in Conv1D's layout", "[modelfile]") {
  const PretrainedModel model = open_pretrained(kFolder + "gpt2.gguf");
  check_weights(model, kFolder + "gpt2.safetensors");
  CHECK(model.config == Json{{"architectures", {"GPT2LMHeadModel"}},
                             {"model_type", "gpt2"},
                             {"n_embd", 16},
                             {"n_inner", 64},
                             {"n_layer", 1},
                             {"n_head", 2},
                             {"n_positions", 12},
                             {"vocab_size", 40},
                             {"layer_norm_epsilon", 1e-5},
                             {"activation_function", "gelu_new"},
                             {"tie_word_embeddings", true},
                             {"bos_token_id", 0},
                             {"eos_token_id", 1}});
}

TEST_CASE("rows of q and k, by hand", "[modelfile]") {
  // One head of size 4: Hugging Face rotates rows (0, 2) and (1, 3), GGUF (0, 1) and (2, 3).
  const at::Tensor hf = at::arange(4, at::kFloat);
  const at::Tensor gguf = to_interleaved_rows(hf, 1);
  CHECK(at::equal(gguf, at::tensor({0.F, 2.F, 1.F, 3.F})));
  CHECK(at::equal(from_interleaved_rows(gguf, 1), hf));
  const at::Tensor matrix = at::arange(48, at::kFloat).view({12, 4});
  CHECK(at::equal(from_interleaved_rows(to_interleaved_rows(matrix, 2), 2), matrix));
  // qwen2 is stored in Hugging Face's order.
  const PretrainedModel qwen = open(tiny_gguf("qwen2"));
  CHECK(at::equal(qwen.weights->tensor("model.layers.0.self_attn.q_proj.weight"),
                  at::arange(16, at::kFloat).view({4, 4})));
  // Two heads of size 2 hold one rotated pair each: nothing moves.
  const PretrainedModel llama = open(tiny_gguf("llama"));
  CHECK(at::equal(llama.weights->tensor("model.layers.0.self_attn.q_proj.weight"),
                  at::arange(16, at::kFloat).view({4, 4})));
}

TEST_CASE("names go both ways and only in their exact form", "[modelfile]") {
  const GgufArchitecture& llama = *find_gguf_architecture("llama");
  CHECK(hf_name(llama, "blk.12.attn_q.weight")->name == "model.layers.12.self_attn.q_proj.weight");
  CHECK(hf_name(llama, "blk.12.attn_q.weight")->layout == GgufLayout::kQuery);
  CHECK(gguf_name(llama, "model.layers.0.mlp.up_proj.weight")->name == "blk.0.ffn_up.weight");
  CHECK(
      gguf_name(*find_gguf_architecture("qwen3"), "model.layers.3.self_attn.k_norm.weight")->name ==
      "blk.3.attn_k_norm.weight");
  const GgufArchitecture& gpt2 = *find_gguf_architecture("gpt2");
  CHECK(gguf_name(gpt2, "transformer.h.1.mlp.c_fc.weight")->layout == GgufLayout::kTransposed);
  CHECK(hf_name(gpt2, "position_embd.weight")->name == "transformer.wpe.weight");
  for (const char* name : {"blk.attn_q.weight", "blk..attn_q.weight", "blk.01.attn_q.weight",
                           "blk.1.attn_q.weight.x", "blk.-1.attn_q.weight",
                           "blk.99999999.attn_q.weight", "attn_q.weight", "blk.1.", "", "blk.1"})
    CHECK_FALSE(hf_name(llama, name));
}

TEST_CASE("rope settings of the metadata", "[modelfile]") {
  CHECK(open(tiny_gguf()).config["rope_scaling"].is_null());
  const Json linear =
      open(
          tiny_gguf().text("llama.rope.scaling.type", "linear").f32("llama.rope.scaling.factor", 4))
          .config["rope_scaling"];
  CHECK(linear == Json{{"rope_type", "linear"}, {"factor", 4.0}});
  const Json yarn = open(tiny_gguf("qwen2")
                             .text("qwen2.rope.scaling.type", "yarn")
                             .f32("qwen2.rope.scaling.factor", 4)
                             .u32("qwen2.rope.scaling.original_context_length", 8)
                             .f32("qwen2.rope.scaling.yarn_beta_fast", 30))
                        .config["rope_scaling"];
  CHECK(yarn == Json{{"rope_type", "yarn"},
                     {"factor", 4.0},
                     {"original_max_position_embeddings", 8},
                     {"beta_fast", 30.0}});
  CHECK(contains(problem(tiny_gguf().text("llama.rope.scaling.type", "longrope")),
                 "none, linear and yarn are known"));
  // One frequency of a head of size 2, halved: nothing of Llama 3.
  const PretrainedModel odd = open(tiny_gguf().floats("rope_freqs.weight", {1}, 2));
  CHECK(odd.config["pgtrain_rope_factors"] == Json{2.0});
  CHECK(odd.config["rope_scaling"].is_null());
  CHECK_FALSE(odd.weights->has("rope_freqs.weight"));
  CHECK(contains(problem(tiny_gguf().floats("rope_freqs.weight", {1}, 0)), "finite and positive"));
  CHECK(contains(problem(tiny_gguf().floats("rope_freqs.weight", {2}, 1)), "must be [1]"));
}

TEST_CASE("what makes another model type or ties the embeddings", "[modelfile]") {
  CHECK(open(tiny_gguf()).config["tie_word_embeddings"] == true);
  CHECK(open(tiny_gguf().floats("output.weight", {3, 4})).config["tie_word_embeddings"] == false);
  const Json mistral = open(tiny_gguf().u32("llama.attention.sliding_window", 8)).config;
  CHECK(mistral["model_type"] == "mistral");
  CHECK(mistral["sliding_window"] == 8);
  const PretrainedModel biased = open(tiny_gguf().floats("blk.0.attn_q.bias", {4}));
  CHECK(biased.config["attention_bias"] == true);
  CHECK(biased.weights->has("model.layers.0.self_attn.q_proj.bias"));
  CHECK(open(tiny_gguf("qwen3").u32("qwen3.attention.key_length", 2)).config["head_dim"] == 2);
}

TEST_CASE("models that cannot be had are refused with the reason", "[modelfile]") {
  CHECK(contains(problem(tiny_gguf("falcon")), "known are llama, qwen2, qwen3, gpt2"));
  CHECK(contains(problem(GgufBuilder()), "\"general.architecture\" is missing"));
  CHECK(contains(problem(tiny_gguf().u32("split.count", 2)), "llama-gguf-split"));
  CHECK(contains(problem(tiny_gguf().text("general.type", "adapter")), "holds no model"));
  CHECK(contains(problem(tiny_gguf().u32("llama.expert_count", 8)), "expert_count"));
  CHECK(contains(problem(tiny_gguf().u32("llama.attention.key_length", 3)), "even number"));
  CHECK(contains(problem(tiny_gguf().u32("llama.attention.value_length", 4)), "value_length"));
  CHECK(contains(problem(tiny_gguf().u32("llama.rope.dimension_count", 4)), "head's size 2"));
  CHECK(contains(problem(tiny_gguf().u32("llama.vocab_size", 4)), "contradicts the 3 rows"));
  CHECK(contains(problem(tiny_gguf().u32("tokenizer.ggml.bos_token_id", 3)), "from 0 to 2"));
  CHECK(contains(problem(tiny_gguf().floats("blk.0.attn_sinks.weight", {2})), "no such tensor"));
  CHECK(contains(problem(tiny_gguf().f32("llama.rope.freq_base", -1)), "must be positive"));
  GgufBuilder scores = tiny_gguf();
  scores.entry("tokenizer.ggml.scores", 9, raw<uint32_t>(6) + raw<uint64_t>(1) + raw(0.F));
  CHECK(contains(problem(scores), "has 1 elements, token_embd.weight has 3 rows"));
}

TEST_CASE("any changed byte gives a readable model or a data error, never a crash", "[modelfile]") {
  const std::string bytes = tiny_gguf().bytes();
  int refused = 0;
  for (size_t at = 0; at < bytes.size() - 1024; ++at) {
    for (const int flip : {0x01, 0x20, 0xff}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      try {
        const PretrainedModel model = open_gguf(FileBytes::from_memory(damaged, "x"));
        for (const auto& name : model.weights->names())
          static_cast<void>(model.weights->tensor(name));
      } catch (const DataError&) {
        ++refused;
      }
    }
  }
  CHECK(refused > 1000);
}

}  // namespace
}  // namespace pgtrain
