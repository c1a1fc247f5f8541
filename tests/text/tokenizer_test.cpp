#include "text/tokenizer.h"

#include <random>

#include "core/error.h"
#include "support/support.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using test::contains;
using test::message_of;
using Ids = std::vector<int64_t>;

std::unique_ptr<Tokenizer> build(const std::string& kind,
                                 const std::vector<std::string_view>& texts,
                                 int64_t vocab_size = 0) {
  TokenizerOptions options;
  options.kind = kind;
  options.vocab_size = vocab_size;
  return build_tokenizer(options, texts);
}

std::string round_trip(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.decode(tokenizer.encode(text));
}

// English, Chinese, Japanese, Korean, Arabic, Hindi, Russian, Greek, combining marks, emoji with
// joiners, controls.
const std::vector<std::string> kScripts = {
    "four thousand two hundred seventeen-ish, don't \"quote\" (me)!",
    encode_utf8(U"\u5E8A\u524D\u660E\u6708\u5149\uFF0C\u7591\u662F\u5730\u4E0A\u971C\u3002"),
    encode_utf8(U"\u3053\u3093\u306B\u3061\u306F \u30AB\u30BF\u30AB\u30CA"),
    encode_utf8(U"\uD55C\uAD6D\uC5B4 \uD14D\uC2A4\uD2B8"),
    encode_utf8(U"\u0645\u0631\u062D\u0628\u0627 \u0628\u0643"),
    encode_utf8(U"\u0939\u093F\u0928\u094D\u0926\u0940"),
    encode_utf8(U"\u043F\u0440\u0438\u0432\u0435\u0442, \u039A\u03B1\u03BB\u03B7"),
    encode_utf8(U"na\u00EFve cafe\u0301 \uFB01n \u2460 x\u00B2"),
    encode_utf8(U"\U0001F642\U0001F468\u200D\U0001F469\u200D\U0001F467 ok"),
    std::string("zero\0byte", 9),
    "",
};

std::vector<std::string_view> views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

TEST_CASE("tokenizer char: most frequent code points first, ties in byte order", "[text]") {
  // b 3 times, a and c twice, d once.
  const auto tokenizer = build("char", {"bcb", "dbaca"});
  CHECK(tokenizer->vocab_size() == 9);
  CHECK(tokenizer->encode("bacd") == Ids{5, 6, 7, 8});
  CHECK(tokenizer->encode("bxd") == Ids{5, tokenizer->unk_id(), 8});
  CHECK(tokenizer->decode({1, 5, 3, 6, 2, 0, 4, 99, -1, 7}) == "bac");
  const auto limited = build("char", {"bcb", "dbaca"}, 7);
  CHECK(limited->vocab_size() == 7);
  CHECK(limited->encode("bacd") == Ids{5, 6, 4, 4});
}

TEST_CASE("tokenizer: special ids are fixed and special names are ordinary text", "[text]") {
  for (const char* kind : {"char", "byte", "word"}) {
    const auto tokenizer = build(kind, {"<eos> a"});
    CHECK(tokenizer->pad_id() == 0);
    CHECK(tokenizer->bos_id() == 1);
    CHECK(tokenizer->eos_id() == 2);
    CHECK(tokenizer->end_ids() == Ids{2});
    CHECK(tokenizer->unk_id() == 4);
    for (int64_t id : tokenizer->encode("<eos> a")) CHECK(id > 4);
    CHECK(tokenizer->encode_with_special("<eos> a") == tokenizer->encode("<eos> a"));
    CHECK(round_trip(*tokenizer, "<eos> a") == "<eos> a");
    CHECK(tokenizer->token_text(2) == "<eos>");
    CHECK(tokenizer->token_text(0) == "<pad>");
    CHECK(tokenizer->token_text(tokenizer->vocab_size()) ==
          "<id " + std::to_string(tokenizer->vocab_size()) + ">");
    CHECK(tokenizer->token_text(-3) == "<id -3>");
  }
}

TEST_CASE("tokenizer: prompts are framed by bos and sep", "[text]") {
  const auto tokenizer = build("char", {"ab"});
  CHECK(tokenizer->encode_prompt("ab") == Ids{1, 5, 6, 3});
  CHECK(tokenizer->encode_prompt("") == Ids{1, 3});
}

TEST_CASE("tokenizer byte: ids are bytes and malformed sequences become U+FFFD", "[text]") {
  const auto tokenizer = build("byte", {});
  CHECK(tokenizer->vocab_size() == 261);
  CHECK(tokenizer->encode("a\xC3\xA9") == Ids{5 + 'a', 5 + 0xC3, 5 + 0xA9});
  CHECK(tokenizer->decode({5 + 0xC3, 5 + 'a', 2, 5 + 0xF0, 5 + 0x9F}) ==
        "\xEF\xBF\xBD"
        "a\xEF\xBF\xBD");
  CHECK(tokenizer->token_text(5 + '\n') == "\\x0a");
  CHECK(tokenizer->token_text(5 + 0xE4) == "\\xe4");
  CHECK(tokenizer->token_text(5 + 'q') == "q");
}

TEST_CASE("tokenizer word: words carry their space, symbols stand alone", "[text]") {
  // Pieces: " it's", " 9", "-", "to", "-", "5", " " "(" "ok" ")", so 10 tokens of 9 kinds and " ".
  const auto tokenizer = build("word", {"it's 9-to-5 (ok)"});
  const Ids ids = tokenizer->encode("it's 9-to-5 (ok)");
  std::vector<std::string> tokens;
  for (int64_t id : ids) tokens.push_back(tokenizer->token_text(id));
  CHECK(tokens ==
        std::vector<std::string>{" it's", " 9", "-", "to", "-", "5", " ", "(", "ok", ")"});
  CHECK(tokenizer->token_text(5) == " ");
  CHECK(tokenizer->token_text(6) == "-");  // the only one that occurs twice
  CHECK(tokenizer->vocab_size() == 5 + 1 + 8);
}

TEST_CASE("tokenizer word: other forms of a known word are used, unknown words become unk",
          "[text]") {
  const auto tokenizer = build("word", {"one-two three"});    // " one" "-" "two" " three"
  CHECK(round_trip(*tokenizer, "three two") == "three two");  // "two" after a token " "
  CHECK(tokenizer->encode("three two").size() == 3);
  CHECK(round_trip(*tokenizer, "two three") == "two three");  // "two" first
  CHECK(tokenizer->encode("two three").size() == 2);
  CHECK(tokenizer->encode("one-three").back() == tokenizer->unk_id());  // only " three" is known
  CHECK(round_trip(*tokenizer, "one four three") == "one three");
}

TEST_CASE("tokenizer word: white space is normalised, ideographs and kana are single tokens",
          "[text]") {
  const auto tokenizer = build("word", {"a b c", kScripts[1], kScripts[2]});
  CHECK(round_trip(*tokenizer,
                   "  a\t\n b\xC2\xA0"
                   "c ") == "a b c");
  CHECK(round_trip(*tokenizer, " \n ").empty());
  CHECK(tokenizer->encode(kScripts[1]).size() == 12);  // 10 ideographs, a comma, a full stop
  const std::string mixed = encode_utf8(U"a \u5E8A b\u524D");
  CHECK(round_trip(*tokenizer, " " + mixed) == mixed);
  CHECK(tokenizer->encode(encode_utf8(U"\u524Db")).back() == tokenizer->unk_id());  // only " b"
}

TEST_CASE("tokenizer: texts of many scripts round-trip in every kind", "[text]") {
  for (const char* kind : {"char", "byte", "word"}) {
    const auto tokenizer = build(kind, views(kScripts));
    for (const std::string& text : kScripts) {
      INFO(kind << ": " << escape_text(text));
      CHECK(round_trip(*tokenizer, text) == text);
    }
    const auto copy =
        tokenizer_from_json(nlohmann::json::parse(tokenizer->to_json().dump()), "copy");
    CHECK(copy->to_json() == tokenizer->to_json());
    CHECK(copy->vocab_size() == tokenizer->vocab_size());
    for (const std::string& text : kScripts) CHECK(copy->encode(text) == tokenizer->encode(text));
  }
}

TEST_CASE("tokenizer: random texts and random ids obey the laws of every kind", "[text]") {
  std::mt19937 random(11);
  const std::u32string alphabet =
      U"ab'_ \t\u2019-9.\u5E8A\u3042\u0301\u00A0\U0001F642\u200D\uFEFF<>";
  for (int round = 0; round < 2000; ++round) {
    std::u32string code_points;
    for (size_t n = random() % 24 + 1; n > 0; --n)
      code_points += alphabet[random() % alphabet.size()];
    code_points += U"x";
    const std::string text = encode_utf8(code_points);
    for (const char* kind : {"char", "byte", "word"}) {
      const auto tokenizer = build(kind, {text});
      const Ids ids = tokenizer->encode(text);
      const std::string once = tokenizer->decode(ids);
      bool fine = tokenizer->encode(once) == ids && find_invalid_utf8(once) == std::string::npos;
      for (int64_t id : ids)
        fine = fine && id > tokenizer->unk_id() && id < tokenizer->vocab_size();
      if (std::string(kind) != "word") fine = fine && once == text;
      Ids noise;
      for (int i = 0; i < 12; ++i)
        noise.push_back(
            static_cast<int64_t>(random() % static_cast<uint64_t>(tokenizer->vocab_size() + 4)) -
            2);
      fine = fine && find_invalid_utf8(tokenizer->decode(noise)) == std::string::npos;
      fine = fine && tokenizer_from_json(tokenizer->to_json(), "x")->encode(text) == ids;
      if (!fine) FAIL(kind << ": " << escape_text(text) << " -> " << escape_text(once));
    }
  }
}

TEST_CASE("tokenizer: vocabularies do not depend on the order of the texts", "[text]") {
  for (const char* kind : {"char", "word"}) {
    auto texts = views(kScripts);
    const auto first = build(kind, texts);
    std::reverse(texts.begin(), texts.end());
    CHECK(first->to_json() == build(kind, texts)->to_json());
    CHECK(build(kind, texts, 20)->vocab_size() == 20);
  }
}

TEST_CASE("tokenizer: invalid UTF-8 is a DataError with its offset", "[text]") {
  for (const char* kind : {"char", "byte", "word"}) {
    const auto tokenizer = build(kind, {"abc"});
    CHECK(contains(message_of<DataError>([&] { tokenizer->encode("ab\xFF"); }), "at byte 2"));
  }
  CHECK(contains(message_of<DataError>([] { build("char", {"\xC0"}); }), "at byte 0"));
}

TEST_CASE("tokenizer: options that cannot work are refused", "[text]") {
  CHECK(contains(message_of<ConfigError>([] { build("char", {"abc"}, 5); }), "at least 6"));
  CHECK(contains(message_of<ConfigError>([] { build("word", {"abc"}, 6); }), "at least 7"));
  CHECK(contains(message_of<ConfigError>([] { build("byte", {}, 260); }), "at least 261"));
  CHECK(contains(message_of<ConfigError>([] { build("char", {"abc"}, -1); }), "vocab_size"));
  CHECK(contains(message_of<ConfigError>([] { build("syllable", {"abc"}); }), "syllable"));
  CHECK(build("char", {"abc"}, 6)->vocab_size() == 6);
  CHECK(build("word", {"abc"}, 7)->vocab_size() == 7);
  CHECK_THROWS_AS(build("char", {"", ""}), DataError);
  CHECK_THROWS_AS(build("word", {"  "}), DataError);
}

TEST_CASE("tokenizer json: whatever is not exactly the format is refused with source and key",
          "[text]") {
  const nlohmann::json good = build("char", {"ab"})->to_json();
  const auto refused = [](const nlohmann::json& json) {
    return message_of<DataError>([&] { tokenizer_from_json(json, "run/tokenizer.json"); });
  };
  const auto with = [&](const char* key, const nlohmann::json& value) {
    nlohmann::json json = good;
    json[key] = value;
    return refused(json);
  };
  for (const char* key : {"pgtrain_tokenizer", "kind", "special_tokens", "tokens"}) {
    nlohmann::json json = good;
    json.erase(key);
    CHECK(refused(json) == std::string("run/tokenizer.json: ") + key + ": is missing");
  }
  CHECK(contains(refused(nlohmann::json::array()), "must be an object"));
  CHECK(contains(with("pgtrain_tokenizer", 2), "pgtrain_tokenizer: must be 1"));
  CHECK(contains(with("kind", 3), "kind: must be a string"));
  CHECK(contains(with("kind", "bpe"), "kind: must be char"));
  CHECK(contains(with("special_tokens", {"<pad>"}), "special_tokens: must be"));
  CHECK(contains(with("extra", 1), "extra: is not a key"));
  CHECK(contains(with("tokens", "ab"), "tokens: must be a non-empty array"));
  CHECK(contains(with("tokens", nlohmann::json::array()), "tokens: must be a non-empty array"));
  CHECK(contains(with("tokens", {"a", 1}), "tokens[1]: must be a string"));
  CHECK(contains(with("tokens", {"a", "bc"}), "tokens[1]: \"bc\" is not a token"));
  CHECK(contains(with("tokens", {""}), "tokens[0]"));
  CHECK(contains(with("tokens", {"\xFF"}), "tokens[0]: \"\\xff\""));
  CHECK(contains(with("tokens", {"a", "b", "a"}), "tokens[2]: is the same as tokens[0]"));
  nlohmann::json word = build("word", {"ab"})->to_json();
  word["tokens"] = {" ab", " "};
  CHECK(contains(refused(word), "tokens[0]: must be a space"));
  for (const char* bad : {" -", "a b", "  a", "-a", "a ", "\t"}) {
    word["tokens"] = {" ", bad};
    CHECK(contains(refused(word), "tokens[1]"));
  }
  nlohmann::json byte = build("byte", {})->to_json();
  byte["tokens"] = {"a"};
  CHECK(contains(refused(byte), "tokens: is not a key"));
}

}  // namespace
}  // namespace pgtrain
