#include "text/stream_decoder.h"

#include <random>

#include "support/support.h"
#include "text/hf_tokenizer.h"
#include "text/token_decoder.h"
#include "text/unicode.h"
#include "text/utf8_stream.h"

namespace pgtrain {
namespace {

using nlohmann::json;
using Ids = std::vector<int64_t>;
using Texts = std::vector<std::string>;

Texts parts(const Tokenizer& tokenizer, const Ids& ids) {
  const auto stream = tokenizer.stream_decoder();
  Texts texts;
  for (const int64_t id : ids) texts.push_back(stream->push(id));
  texts.push_back(stream->finish());
  return texts;
}

std::string joined(const Texts& texts) {
  std::string all;
  for (const std::string& text : texts) all += text;
  return all;
}

TEST_CASE("stream decoder: native kinds give decode's text, never half a code point", "[text]") {
  std::mt19937 rng(3);
  const std::string text = "one tw\u00F6 \U0001F642 thr\u00E9e, two one";
  for (const char* kind : {"char", "byte", "word"}) {
    TokenizerOptions options;
    options.kind = kind;
    const auto tokenizer = build_tokenizer(options, {text});
    CHECK(joined(parts(*tokenizer, tokenizer->encode(text))) == text);
    for (int round = 0; round < 500; ++round) {
      Ids ids;
      for (size_t i = rng() % 12; i > 0; --i)
        ids.push_back(
            static_cast<int64_t>(rng() % static_cast<uint64_t>(tokenizer->vocab_size() + 2)));
      const Texts texts = parts(*tokenizer, ids);
      for (const std::string& part : texts) CHECK(find_invalid_utf8(part) == std::string::npos);
      CHECK(joined(texts) == tokenizer->decode(ids));
    }
  }
}

TEST_CASE("utf8 stream: any cut gives the same as the whole", "[text]") {
  std::mt19937 rng(11);
  const std::string bytes = "a\x80\xC3\xA9\xE2\x82\xAC\xF0\x9F\x99\x82\xED\xA0\xF4\x90\xE0\x9F\xC2";
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (size_t i = rng() % 16; i > 0; --i) text += bytes[rng() % bytes.size()];
    Utf8Stream stream;
    std::string streamed;
    for (const char byte : text) streamed += stream.push({&byte, 1});
    CHECK(streamed + stream.finish() == replace_invalid_utf8(text));
  }
}

std::unique_ptr<HuggingFaceTokenizer> with_decoder(const json& decoder) {
  json vocab = {{"\u2581a", 0}, {"b", 1},      {"\u2581", 2}, {"<0xF0>", 3}, {"<0x9F>", 4},
                {"<0x99>", 5},  {"<0x82>", 6}, {"c</w>", 7},  {"", 8},       {"</s>", 9}};
  HfTokenizerSettings settings;
  settings.eos_token = "</s>";
  return hf_tokenizer_from_json(
      {{"decoder", decoder},
       {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", json::array()}}}},
      settings, "test");
}

const json kLlama = {{"type", "Sequence"},
                     {"decoders",
                      {{{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}},
                       {{"type", "ByteFallback"}},
                       {{"type", "Fuse"}},
                       {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}};

TEST_CASE("stream decoder: text comes as soon as it is certain", "[text]") {
  CHECK(parts(*with_decoder(kLlama), {0, 1, 0}) == Texts{"a", "b", " a", ""});
  CHECK(parts(*with_decoder(kLlama), {2, 2, 1}) == Texts{"", " ", "b", ""});
  // Bytes only when another token comes: all of them become U+FFFD when one is wrong.
  CHECK(parts(*with_decoder(kLlama), {3, 4, 5, 6, 1}) == Texts{"", "", "", "", "\U0001F642b", ""});
  CHECK(parts(*with_decoder(kLlama), {3, 4}) == Texts{"", "", "\uFFFD\uFFFD"});
  CHECK(parts(*with_decoder({{"type", "Metaspace"}, {"replacement", "\u2581"}}), {0, 0}) ==
        Texts{"a", " a", ""});
  CHECK(parts(*with_decoder({{"type", "BPEDecoder"}, {"suffix", "</w>"}}), {7, 7}) ==
        Texts{"", "c ", "c"});
  CHECK(parts(*with_decoder(nullptr), {1, 8, 1}) == Texts{"b", " ", " b", ""});
  const json strip = {{"type", "Strip"}, {"content", "b"}, {"start", 0}, {"stop", 1}};
  const json fused = {{"type", "Sequence"}, {"decoders", {{{"type", "Fuse"}}, strip}}};
  CHECK(parts(*with_decoder(fused), {1, 1, 0, 1}) == Texts{"", "b", "b\u2581a", "", ""});
}

}  // namespace
}  // namespace pgtrain
