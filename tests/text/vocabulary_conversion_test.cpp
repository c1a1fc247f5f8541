// GGUF vocabularies and SentencePiece models: by hand, round trips, hostile input. The ids of whole
// models are compared in tokenizer_parity_test.cpp.
#include <random>

#include "core/error.h"
#include "support/support.h"
#include "text/base64.h"
#include "text/gguf_vocabulary.h"
#include "text/sentencepiece_model.h"
#include "text/tokenizer.h"

namespace pgtrain {
namespace {

using nlohmann::json;
using test::contains;
using test::message_of;
using Ids = std::vector<int64_t>;

json golden_head(const std::string& name) {
  std::ifstream file("tests/golden/tokenizers/" + name + ".jsonl");
  std::string line;
  std::getline(file, line);
  return json::parse(line);
}

std::vector<std::string> golden_texts(const std::string& name) {
  std::ifstream file("tests/golden/tokenizers/" + name + ".jsonl");
  std::vector<std::string> texts;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) texts.push_back(json::parse(line)["t"]);
  return texts;
}

TEST_CASE("gguf: a vocabulary and back gives the same ids", "[text]") {
  const std::vector<std::pair<std::string, std::string>> pre_names = {{"gpt2", "gpt-2"},
                                                                      {"llama3", "llama-bpe"},
                                                                      {"qwen", "qwen2"},
                                                                      {"smollm", "smollm"},
                                                                      {"o200k", "gpt-4o"}};
  for (const auto& [name, pre] : pre_names) {
    json head = golden_head(name);
    for (json& token : head["tokenizer"]["added_tokens"])  // GGUF has no flags
      token["lstrip"] = token["rstrip"] = token["single_word"] = false;
    HfTokenizerSettings settings;
    settings.eos_token = head["end"];
    if (name == "llama3") settings.bos_token = "<|begin|>";
    const auto original = hf_tokenizer_from_json(head["tokenizer"], settings, name);
    const GgufVocabulary v = gguf_vocabulary(head["tokenizer"], settings);
    CHECK(v.model == "gpt2");
    CHECK(v.pre == pre);
    CHECK(v.add_bos == (name == "llama3"));
    const auto again =
        hf_tokenizer_from_json(tokenizer_json_from_gguf(v, name), gguf_settings(v), name);
    CHECK(again->vocab_size() == original->vocab_size());
    CHECK(again->end_ids() == original->end_ids());
    for (const std::string& text : golden_texts(name)) {
      CHECK(again->encode(text) == original->encode(text));
      CHECK(again->encode_with_special(text) == original->encode_with_special(text));
      CHECK(again->encode_prompt(text) == original->encode_prompt(text));
      CHECK(again->decode(original->encode(text)) == original->decode(original->encode(text)));
    }
  }
}

TEST_CASE("gguf: SentencePiece's BPE and back gives the same ids", "[text]") {
  const json head = golden_head("spm_bpe");
  const std::string bytes = decode_base64(head["sentencepiece"].get<std::string>()).value();
  const SentencePieceModel model = parse_sentencepiece(bytes, "m");
  const json original_json = tokenizer_json(model);
  const auto original = hf_tokenizer_from_json(original_json, sentencepiece_settings(model), "m");
  CHECK(original->bos_id() == 1);
  CHECK(original->eos_id() == 2);
  CHECK(original->unk_id() == 0);
  const GgufVocabulary v = gguf_vocabulary(original_json, sentencepiece_settings(model));
  CHECK(v.model == "llama");
  CHECK(v.add_space_prefix == true);
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    CHECK(v.tokens[i] == model.pieces[i].text);
    CHECK(v.types[i] == static_cast<int32_t>(model.pieces[i].type));
  }
  const auto again =
      hf_tokenizer_from_json(tokenizer_json_from_gguf(v, "g"), gguf_settings(v), "g");
  for (const std::string& text : golden_texts("spm_bpe")) {
    CHECK(again->encode(text) == original->encode(text));
    CHECK(again->encode_with_special(text) == original->encode_with_special(text));
  }
}

GgufVocabulary small_gguf() {
  GgufVocabulary v;
  v.model = "gpt2";
  v.pre = "gpt-2";
  v.tokens = {"a", "b", "ab", "<eos>", "<tool>"};
  v.types = {1, 1, 1, 3, 4};
  v.merges = {"a b"};
  v.eos = 3;
  return v;
}

std::string gguf_error(const GgufVocabulary& v) {
  return message_of<DataError>(
      [&] { hf_tokenizer_from_json(tokenizer_json_from_gguf(v, "g"), gguf_settings(v), "g"); });
}

TEST_CASE("gguf: a small vocabulary, and what is wrong with others", "[text]") {
  GgufVocabulary v = small_gguf();
  v.add_eos = true;
  const auto tokenizer =
      hf_tokenizer_from_json(tokenizer_json_from_gguf(v, "g"), gguf_settings(v), "g");
  CHECK(tokenizer->encode("ab<tool><eos>a") == Ids{2, 4, 0});
  CHECK(tokenizer->frame().after == Ids{3});

  const auto error = [](auto change) {
    GgufVocabulary wrong = small_gguf();
    change(wrong);
    return gguf_error(wrong);
  };
  CHECK(contains(error([](auto& w) { w.pre = "martian"; }),
                 "\"martian\" is not known; known are gpt-2"));
  CHECK(contains(error([](auto& w) { w.model = "bert"; }), "\"bert\" is not supported"));
  CHECK(contains(error([](auto& w) { w.types.pop_back(); }), "4 entries for 5 tokens"));
  CHECK(contains(error([](auto& w) { w.types[0] = 7; }), "7 is not a type"));
  CHECK(contains(error([](auto& w) { w.tokens[1] = "a"; }), "0 and 1 are both \"a\""));
  CHECK(contains(error([](auto& w) { w.tokens[1] = "\xFF"; }), "tokens[1]: is not valid UTF-8"));
  CHECK(contains(error([](auto& w) { w.eos = 5; }), "5 is not below"));
  CHECK(contains(error([](auto& w) { w.merges[0] = "a c"; }), "\"c\" is not in the vocabulary"));
  CHECK(contains(error([](auto& w) { w.tokens.clear(); }), "has 0 tokens"));
  CHECK(contains(error([](auto& w) { w.model = "llama"; }), "scores: is missing"));
  CHECK(error([](auto&) {}).empty());
}

TEST_CASE("gguf: what it cannot say is refused", "[text]") {
  const json head = golden_head("gpt2_prefix");
  HfTokenizerSettings settings;
  settings.eos_token = "</s>";
  settings.bos_token = "<s>";
  CHECK(contains(message_of<DataError>([&] { gguf_vocabulary(head["tokenizer"], settings); }),
                 "pre_tokenizer: has no name in GGUF"));
  CHECK(contains(
      message_of<DataError>([&] { gguf_vocabulary(golden_head("t5")["tokenizer"], settings); }),
      "not in the vocabulary"));
}

TEST_CASE("sentencepiece: damaged models give an error or a tokenizer, never a crash", "[text]") {
  const std::string bytes =
      decode_base64(golden_head("spm_unigram")["sentencepiece"].get<std::string>()).value();
  std::mt19937 rng(5);
  const auto try_to_load = [](const std::string& damaged) {
    try {
      const SentencePieceModel model = parse_sentencepiece(damaged, "m");
      hf_tokenizer_from_json(tokenizer_json(model), sentencepiece_settings(model), "m")
          ->encode("a b");
    } catch (const DataError& e) {
      CHECK(std::string(e.what()).rfind("m", 0) == 0);
    }
  };
  for (size_t size = 0; size < bytes.size(); size += 97) try_to_load(bytes.substr(0, size));
  for (int round = 0; round < 300; ++round) {
    std::string damaged = bytes;
    for (int i = 0; i < 3; ++i) damaged[rng() % damaged.size()] = static_cast<char>(rng());
    try_to_load(damaged);
  }
  CHECK(contains(message_of<DataError>([] { parse_sentencepiece("", "m"); }),
                 "no piece of type unknown"));
  CHECK(contains(message_of<DataError>([] { parse_sentencepiece("\x0A\xFF", "m"); }), "m: "));
  CHECK(contains(message_of<DataError>([] {
                   parse_sentencepiece(
                       "\x0A\x05"
                       "ab",
                       "m");
                 }),
                 "field 1 has 5 bytes where 2 are left"));
}

TEST_CASE("base64: RFC 4648's examples and what is none", "[text]") {
  const std::vector<std::pair<std::string, std::string>> examples = {
      {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
      {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}};
  for (const auto& [bytes, text] : examples) {
    CHECK(encode_base64(bytes) == text);
    CHECK(decode_base64(text) == bytes);
  }
  for (const char* wrong : {"Zg=", "Zg", "Z===", "Zh==", "Z!==", "====", "=Zg="})
    CHECK(!decode_base64(wrong));
}

}  // namespace
}  // namespace pgtrain
