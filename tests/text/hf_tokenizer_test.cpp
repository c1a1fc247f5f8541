#include "text/hf_tokenizer.h"

#include "core/error.h"
#include "support/support.h"
#include "text/stream_decoder.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using nlohmann::json;
using test::contains;
using test::message_of;
using Ids = std::vector<int64_t>;

json added(int64_t id, const std::string& content, bool special) {
  return {{"id", id}, {"content", content}, {"special", special}, {"normalized", false}};
}

// Letters a, b, c, the mark of spaces, "ab" and "abc"; <s> 6, </s> 7, <tool> 8.
json small_bpe() {
  return {
      {"added_tokens", {added(6, "<s>", true), added(7, "</s>", true), added(8, "<tool>", false)}},
      {"normalizer", nullptr},
      {"pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "first"}}},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single",
         {{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}},
          {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
        {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {6}}, {"tokens", {"<s>"}}}}}}}},
      {"decoder", {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "first"}}},
      {"model",
       {{"type", "BPE"},
        {"vocab", {{"a", 0}, {"b", 1}, {"c", 2}, {"_", 3}, {"ab", 4}, {"abc", 5}}},
        {"merges", {"a b", "ab c"}}}}};
}

HfTokenizerSettings small_settings() {
  HfTokenizerSettings settings;
  settings.bos_token = "<s>";
  settings.eos_token = "</s>";
  return settings;
}

std::unique_ptr<HuggingFaceTokenizer> load(const json& tokenizer_json,
                                           const HfTokenizerSettings& settings = small_settings()) {
  return hf_tokenizer_from_json(tokenizer_json, settings, "f.json");
}

std::string error_of(const json& tokenizer_json,
                     const HfTokenizerSettings& settings = small_settings()) {
  return message_of<DataError>([&] { load(tokenizer_json, settings); });
}

// The document with one place replaced.
json with(json document, const std::string& pointer, const json& value) {
  document[json::json_pointer(pointer)] = value;
  return document;
}

TEST_CASE("hf tokenizer: a small BPE by hand", "[text]") {
  const auto tokenizer = load(small_bpe());
  CHECK(tokenizer->vocab_size() == 9);
  CHECK(tokenizer->encode("abc ba") == Ids{3, 5, 3, 1, 0});
  CHECK(tokenizer->decode({3, 5, 3, 1, 0}) == "abc ba");
  CHECK(tokenizer->decode({6, 3, 5, 7, -1, 99}) == "abc");
  CHECK(tokenizer->bos_id() == 6);
  CHECK(tokenizer->eos_id() == 7);
  CHECK(tokenizer->pad_id() == -1);
  CHECK(tokenizer->unk_id() == -1);
  CHECK(tokenizer->token_text(5) == "abc");
  CHECK(tokenizer->token_text(7) == "</s>");
  CHECK(tokenizer->token_text(9) == "<id 9>");
  CHECK(tokenizer->token_text(-1) == "<id -1>");
  CHECK(contains(message_of<DataError>([&] { tokenizer->encode("a\xFF"); }), "byte 1"));
}

TEST_CASE("hf tokenizer: special tokens are text unless they are asked for", "[text]") {
  const auto tokenizer = load(small_bpe());
  // '<', 's', '>' are not in the vocabulary, and without an unknown token they are dropped.
  CHECK(tokenizer->encode("a<s>b") == Ids{3, 4});
  CHECK(tokenizer->encode_with_special("a<s>b") == Ids{3, 0, 6, 1});
  CHECK(tokenizer->encode("a<tool>b") == Ids{3, 0, 8, 1});
  CHECK(tokenizer->encode_prompt("a<s>") == Ids{6, 3, 0});
  CHECK(tokenizer->encode_prompt("") == Ids{6});
}

TEST_CASE("hf tokenizer: special tokens in the model's vocabulary are no text either", "[text]") {
  json unigram = small_bpe();
  unigram["model"] = {
      {"type", "Unigram"},
      {"unk_id", 0},
      {"vocab", json::array({json::array({"<unk>", 0.0}), json::array({"</s>", 0.0}),
                             json::array({"_", -1.0}), json::array({"a", -2.0})})}};
  unigram["added_tokens"] = {added(0, "<unk>", true), added(1, "</s>", true)};
  unigram["post_processor"] = nullptr;
  HfTokenizerSettings settings;
  settings.eos_token = "</s>";
  const auto tokenizer = load(unigram, settings);
  CHECK(tokenizer->encode("a</s>") == Ids{2, 3, 0});
  CHECK(tokenizer->encode_with_special("a</s>") == Ids{2, 3, 1});

  json ignoring = with(small_bpe(), "/model/ignore_merges", true);
  ignoring["pre_tokenizer"] = nullptr;
  ignoring["model"]["vocab"]["</s>"] = 7;
  CHECK(load(ignoring)->encode("</s>").empty());
  CHECK(load(ignoring)->encode_with_special("</s>") == Ids{7});
}

TEST_CASE("hf tokenizer: to_json gives an equal tokenizer back and keeps the file", "[text]") {
  HfTokenizerSettings settings = small_settings();
  settings.end_ids = {8, 7};
  settings.add_bos = false;
  const auto tokenizer = load(small_bpe(), settings);
  CHECK(tokenizer->original_json() == small_bpe());
  const auto again = tokenizer_from_json(tokenizer->to_json(), "again");
  CHECK(again->to_json() == tokenizer->to_json());
  CHECK(again->end_ids() == Ids{7, 8});
  CHECK(again->encode_prompt("") == Ids{6});  // nothing else would be left
  CHECK(again->encode_prompt("a") == Ids{3, 0});
  CHECK(contains(message_of<DataError>([] { tokenizer_from_json(small_bpe(), "bare"); }),
                 "eos_token"));
}

TEST_CASE("hf settings: tokens, lists of end ids, add_bos_token", "[text]") {
  const auto settings =
      hf_tokenizer_settings({{"bos_token", {{"content", "<s>"}, {"lstrip", false}}},
                             {"eos_token", "</s>"},
                             {"pad_token", nullptr},
                             {"add_bos_token", true}},
                            {{"eos_token_id", {7, 8, 7}}}, {{"eos_token_id", 2}});
  CHECK(settings.bos_token == "<s>");
  CHECK(settings.eos_token == "</s>");
  CHECK(settings.pad_token.empty());
  CHECK(settings.end_ids == Ids{7, 8, 2});
  CHECK(settings.add_bos == true);
  CHECK(hf_tokenizer_settings(nullptr, json::object(), nullptr).end_ids.empty());
  CHECK(contains(message_of<DataError>([] {
                   hf_tokenizer_settings({{"eos_token", 3}}, nullptr, nullptr);
                 }),
                 "tokenizer_config.json: eos_token: must be a string"));
  CHECK(contains(message_of<DataError>([] {
                   hf_tokenizer_settings(nullptr, nullptr, {{"eos_token_id", "2"}});
                 }),
                 "config.json: eos_token_id: must be an integer"));
}

TEST_CASE("hf tokenizer: wrong files name source, key and problem", "[text]") {
  const json file = small_bpe();
  CHECK(contains(error_of(json::array()), "f.json: must be an object"));
  CHECK(contains(error_of(json::object()), "f.json: model: is missing"));
  CHECK(contains(error_of(with(file, "/model/type", "WordPiece")),
                 "f.json: model.type: \"WordPiece\" is not supported"));
  CHECK(contains(error_of(with(file, "/model/dropout", 0.1)), "model.dropout"));
  CHECK(error_of(with(file, "/model/dropout", 0.0)).empty());
  CHECK(contains(error_of(with(file, "/model/vocab/b", 0)), "have the same id 0"));
  CHECK(contains(error_of(with(file, "/model/vocab/b", -1)), "the id of \"b\""));
  CHECK(contains(error_of(with(file, "/model/vocab/b", 1e30)), "the id of \"b\""));
  CHECK(contains(error_of(with(file, "/model/vocab/b", 4194304)), "from 0 to 4194303"));
  CHECK(contains(error_of(with(file, "/model/merges/1", "ab d")),
                 "model.merges[1]: \"d\" is not in the vocabulary"));
  CHECK(
      contains(error_of(with(file, "/model/merges/1", "b c")), "\"bc\" is not in the vocabulary"));
  CHECK(contains(error_of(with(file, "/model/merges/1", "a b c")), "must be \"left right\""));
  CHECK(contains(error_of(with(file, "/model/merges/1", {"a", 1})), "must be \"left right\""));
  CHECK(contains(error_of(with(file, "/model/unk_token", "?")), "model.unk_token"));
  CHECK(contains(error_of(with(file, "/model/byte_fallback", 1)), "must be true or false"));
  CHECK(contains(error_of(with(file, "/added_tokens/0/id", 5)),
                 "added_tokens[0].id: 5 is the id of \"abc\""));
  CHECK(contains(error_of(with(file, "/added_tokens/0/content", "abc")),
                 "\"abc\" has id 5 in the model's vocabulary"));
  CHECK(contains(error_of(with(file, "/added_tokens/1/id", 6)), "6 is there twice"));
  CHECK(contains(error_of(with(file, "/added_tokens/1/content", "<s>")), "is there twice"));
  CHECK(contains(error_of(with(file, "/added_tokens/1/content", "")), "must have from 1 to"));
  CHECK(contains(error_of(with(file, "/normalizer", {{"type", "Cyrillic"}})),
                 "normalizer.type: \"Cyrillic\""));
  CHECK(contains(error_of(with(file, "/pre_tokenizer/type", "Telepathy")),
                 "pre_tokenizer.type: \"Telepathy\""));
  CHECK(contains(error_of(with(file, "/pre_tokenizer/replacement", "__")), "one character"));
  CHECK(contains(error_of(with(file, "/decoder/type", "CTC")), "decoder.type: \"CTC\""));
  CHECK(contains(error_of(with(file, "/post_processor/type", "X")), "post_processor.type"));
  CHECK(
      contains(error_of(with(file, "/post_processor/special_tokens/<s>/ids/0", 9)), "from 0 to 8"));
  CHECK(contains(
      error_of(with(file, "/post_processor/single/1", {{"SpecialToken", {{"id", "<s>"}}}})),
      "sequence A once"));
  const json split = {{"type", "Split"}, {"pattern", {{"Regex", "(("}}}, {"behavior", "Isolated"}};
  CHECK(contains(error_of(with(file, "/pre_tokenizer", split)),
                 "pre_tokenizer.pattern.Regex: the regular expression \"((\""));
  CHECK(contains(
      error_of(with(file, "/normalizer", {{"type", "Precompiled"}, {"precompiled_charsmap", "!"}})),
      "is not base64"));
  json deep = "x";
  for (int i = 0; i < 100; ++i) deep = {{"type", "Sequence"}, {"normalizers", json::array({deep})}};
  CHECK(contains(error_of(with(file, "/normalizer", deep)), "nested too deeply"));
}

TEST_CASE("hf tokenizer: settings that the vocabulary does not have are refused", "[text]") {
  HfTokenizerSettings settings = small_settings();
  settings.bos_token = "<bos>";
  CHECK(contains(error_of(small_bpe(), settings), "bos_token \"<bos>\" is not in the vocabulary"));
  settings = small_settings();
  settings.end_ids = {9};
  CHECK(contains(error_of(small_bpe(), settings), "9 is not below the vocabulary's size 9"));
  settings = small_settings();
  settings.bos_token = "";
  settings.add_bos = true;
  CHECK(contains(error_of(small_bpe(), settings), "there is no bos_token"));
}

TEST_CASE("hf tokenizer: ids may have holes", "[text]") {
  const json file = with(with(small_bpe(), "/model/vocab/xyz", 20), "/added_tokens/2/id", 30);
  const auto tokenizer = load(file);
  CHECK(tokenizer->vocab_size() == 31);
  CHECK(tokenizer->token_text(25) == "<id 25>");
  CHECK(tokenizer->encode("<tool>") == Ids{30});
}

TEST_CASE("hf tokenizer: an expression that explodes is stopped", "[text]") {
  const json split = {
      {"type", "Split"}, {"pattern", {{"Regex", "(a+)+$"}}}, {"behavior", "Isolated"}};
  const auto tokenizer = load(with(small_bpe(), "/pre_tokenizer", split));
  CHECK(contains(message_of<DataError>([&] { tokenizer->encode(std::string(60, 'a') + "b"); }),
                 "regular expression"));
}

TEST_CASE("hf tokenizer: a long word costs n log n", "[text]") {
  json file = small_bpe();
  file["pre_tokenizer"] = nullptr;
  const auto tokenizer = load(file);
  std::string word;
  while (word.size() < 1'000'000) word += "abcab";
  const Ids ids = tokenizer->encode(word);
  CHECK(ids.size() == word.size() / 5 * 2);
  CHECK(ids[0] == 5);
  CHECK(ids[1] == 4);
}

}  // namespace
}  // namespace pgtrain
