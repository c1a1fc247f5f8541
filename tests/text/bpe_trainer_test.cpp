#include "text/bpe_trainer.h"

#include <set>

#include "core/error.h"
#include "support/support.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using nlohmann::json;
using test::contains;
using test::message_of;
using Texts = std::vector<std::string>;

json train(const Texts& texts, int64_t vocab_size) {
  return train_byte_level_bpe({texts.begin(), texts.end()}, vocab_size);
}

// "a b" for each merge.
Texts merges(const json& tokenizer) {
  Texts list;
  for (const json& pair : tokenizer["model"]["merges"])
    list.push_back(pair[0].get<std::string>() + " " + pair[1].get<std::string>());
  return list;
}

const json& golden() {
  static const json data = json::parse(test::read_file("tests/golden/bpe_merges.json"));
  return data;
}

Texts lines_of(const std::string& path) {
  Texts lines;
  std::string text = test::read_file(path);
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.erase(0, end + 1);
  }
  return lines;
}

TEST_CASE("bpe: the most frequent pair first, of equal ones that with the smaller ids", "[text]") {
  // "low" x 3, " lower" x 1: lo 4 and ow 4, of which "l" has the smaller id; then pairs of 1. The
  // character of the space, U+0120, comes after the letters.
  CHECK(merges(train({"low", "low", "low lower"}, 266)) ==
        Texts{"l o", "lo w", "e r", "\u0120 low", "\u0120low er"});
}

TEST_CASE("bpe: nothing is merged across the pieces of GPT-2's pattern", "[text]") {
  CHECK(merges(train({"ab ab12 12"}, 300)) == Texts{"1 2", "a b", "\u0120 12", "\u0120 ab"});
}

TEST_CASE("bpe: overlapping pairs", "[text]") {
  CHECK(merges(train({"aaaa"}, 300)) == Texts{"a a", "aa aa"});
  CHECK(merges(train({"aaaaa"}, 300)) == Texts{"a a", "aa a", "aa aaa"});
}

TEST_CASE("bpe: special tokens and bytes have the first ids", "[text]") {
  const json tokenizer = train({}, 261);
  const json& vocabulary = tokenizer["model"]["vocab"];
  REQUIRE(vocabulary.size() == 261);
  for (size_t id = 0; id < 261; ++id)
    CHECK(vocabulary[golden()["bytes"][id].get<std::string>()] == id);
  CHECK(tokenizer["added_tokens"][2]["content"] == "<eos>");
  CHECK(tokenizer["added_tokens"][2]["special"] == true);
  CHECK(tokenizer["pre_tokenizer"]["type"] == "ByteLevel");
  CHECK(tokenizer["pre_tokenizer"]["add_prefix_space"] == false);
  CHECK(merges(tokenizer).empty());
}

TEST_CASE("bpe: the vocabulary is full exactly, or smaller when the texts give no more", "[text]") {
  CHECK(train({"abcdefgh"}, 264)["model"]["vocab"].size() == 264);
  CHECK(train({"ab"}, 1000)["model"]["vocab"].size() == 262);
}

TEST_CASE("bpe golden: files of data/", "[text]") {
  for (const json& file : golden()["files"]) {
    INFO(file["path"]);
    CHECK(merges(train(lines_of(file["path"]), file["vocab_size"])) == file["merges"].get<Texts>());
  }
}

TEST_CASE("bpe golden: random texts of few letters", "[text]") {
  for (const json& one : golden()["texts"]) {
    INFO(one["texts"].dump());
    const json tokenizer = train(one["texts"].get<Texts>(), one["vocab_size"]);
    CHECK(merges(tokenizer) == one["merges"].get<Texts>());
    CHECK(tokenizer["model"]["vocab"].size() == one["tokens"]);
  }
}

TEST_CASE("bpe: wrong sizes and texts are refused", "[text]") {
  CHECK(contains(message_of<ConfigError>([] { train({"a"}, 260); }), "allowed: 261 to"));
  CHECK_THROWS_AS(train({"a"}, int64_t{1} << 31), ConfigError);
  CHECK(contains(message_of<DataError>([] {
                   train({"a", "b\xFF"}, 300);
                 }),
                 "text 2: invalid UTF-8 at byte 1"));
}

TEST_CASE("bpe: one long piece takes no quadratic time", "[text]") {
  CHECK(train({std::string(300'000, 'a')}, 280)["model"]["merges"].size() > 10);
}

}  // namespace
}  // namespace pgtrain
