#include "modelfile/tensor_header.h"

#include "core/error.h"
#include "core/rng.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::contains;

// The error for this header and payload size; "" when it is accepted.
std::string problem(const std::string& text, uint64_t payload_bytes) {
  return test::message_of<DataError>(
      [&] { parse_tensor_header(text, payload_bytes, "x.safetensors"); });
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"a":)" + entry(dtype, shape, offsets) + "}";
}

TEST_CASE("headers as other writers make them are accepted", "[modelfile]") {
  CHECK(problem("{}", 0) == "");
  CHECK(problem("{}    ", 0) == "");
  CHECK(problem(R"({"__metadata__":{}})", 0) == "");
  CHECK(problem(one("F32", "[]", "[0,4]"), 4) == "");
  CHECK(problem(one("F32", "[2, 0]", "[0, 0]"), 0) == "");
  // The keys in another order, spaces, an escaped name, metadata last, entries not in the order of
  // the payload.
  const TensorHeader header = parse_tensor_header(
      R"({ "\u00e9" : {"data_offsets": [4, 6], "shape": [2], "dtype": "I8"}, "b": )" +
          entry("F32", "[1]", "[0,4]") + R"(, "__metadata__": {"format": "pt"} })",
      6, "x");
  REQUIRE(header.entries.size() == 2);
  CHECK(header.entries[0].name == "b");
  CHECK(header.entries[1].name == "\u00e9");
  CHECK(header.entries[1].shape == std::vector<int64_t>{2});
  CHECK(header.metadata.at("format") == "pt");
}

TEST_CASE("a header that is not a JSON object is refused", "[modelfile]") {
  for (const char* text : {"", " {}", "[]", "null", "\xef\xbb\xbf{}"})
    CHECK(contains(problem(text, 0), "x.safetensors: the header does not begin with '{'"));
  for (const char* text :
       {"{", "{}}", "{} x", "{\"a\"}", "{\"a\":}", "{a:1}", "{'a':{}}", "{/**/}", "{\"a\":{},}"})
    CHECK(problem(text, 0) != "");
  CHECK(contains(problem("{]", 0), "not valid JSON (byte 10)"));
  // Nothing may hide behind a zero byte.
  CHECK(contains(problem(std::string("{}\0{\"evil\":1}", 13), 0), "zero byte"));
}

TEST_CASE("text that is not UTF-8 is refused", "[modelfile]") {
  for (const char* name :
       {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\\ud800"})
    CHECK(
        contains(problem("{\"" + std::string(name) + "\":" + entry("U8", "[1]", "[0,1]") + "}", 1),
                 "not valid JSON"));
}

TEST_CASE("anything that stands in the wrong place is refused with its place", "[modelfile]") {
  CHECK(contains(problem(R"({"a":1})", 0), "\"a\": a number is not allowed"));
  CHECK(contains(problem(R"({"a":null})", 0), "null is not allowed"));
  CHECK(contains(problem(R"({"a":[]})", 0), "an array is not allowed"));
  CHECK(contains(problem(R"({"a":"x"})", 0), "a string is not allowed"));
  CHECK(contains(problem(R"({"__metadata__":"x"})", 0), "a string is not allowed"));
  CHECK(contains(problem(R"({"__metadata__":null})", 0), "null is not allowed"));
  CHECK(contains(problem(R"({"__metadata__":{"k":1}})", 0), "__metadata__: \"k\": a number"));
  CHECK(contains(problem(R"({"__metadata__":{"k":{}}})", 0), "an object is not allowed"));
  CHECK(contains(problem(R"({"__metadata__":{"k":[]}})", 0), "an array is not allowed"));
  CHECK(contains(problem(R"({"a":{"dtype":1}})", 0), "tensor \"a\": \"dtype\": a number"));
  CHECK(contains(problem(R"({"a":{"dtype":["F32"]}})", 0), "an array is not allowed"));
  CHECK(contains(problem(R"({"a":{"shape":3}})", 0), "\"shape\": a number"));
  CHECK(contains(problem(R"({"a":{"shape":"3"}})", 0), "a string is not allowed"));
  CHECK(contains(problem(R"({"a":{"shape":[true]}})", 0), "a truth value is not allowed"));
  CHECK(contains(problem(R"({"a":{"shape":[[1]]}})", 0), "an array is not allowed"));
  CHECK(contains(problem(R"({"a":{"shape":[{}]}})", 0), "an object is not allowed"));
  CHECK(contains(problem(R"({"a":{"data_offsets":{}}})", 0), "an object is not allowed"));
  CHECK(contains(problem(R"({"a":{"strides":[1]}})", 0), "tensor \"a\": unknown key \"strides\""));
}

TEST_CASE("deep nesting stops at once", "[modelfile]") {
  std::string text = "{\"a\":";
  for (int i = 0; i < 1'000'000; ++i) text += '[';
  CHECK(contains(problem(text, 0), "an array is not allowed"));
}

TEST_CASE("repeated and missing keys are refused", "[modelfile]") {
  const std::string good = entry("U8", "[1]", "[0,1]");
  CHECK(
      contains(problem("{\"a\":" + good + ",\"a\":" + good + "}", 1), "\"a\": stands there twice"));
  CHECK(contains(problem("{\"a\":" + good + ",\"\\u0061\":" + good + "}", 1),
                 "\"a\": stands there twice"));
  CHECK(contains(problem(R"({"__metadata__":{},"__metadata__":{}})", 0), "twice"));
  CHECK(contains(problem(R"({"__metadata__":{"k":"1","k":"2"}})", 0), "\"k\" stands there twice"));
  CHECK(
      contains(problem(R"({"a":{"dtype":"U8","dtype":"U8"}})", 0), "\"dtype\" stands there twice"));
  CHECK(contains(problem(R"({"a":{}})", 0), "tensor \"a\": \"dtype\" is missing"));
  CHECK(
      contains(problem(R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", 1), "\"shape\" is missing"));
  CHECK(contains(problem(R"({"a":{"dtype":"U8","shape":[1]}})", 1), "\"data_offsets\" is missing"));
}

TEST_CASE("dtypes and numbers that do not fit are refused", "[modelfile]") {
  for (const char* dtype : {"F8_E4M3", "U64", "C64", "f32", "", "F32\\n"})
    CHECK(contains(problem(one(dtype, "[1]", "[0,4]"), 4), "tensor \"a\": \"dtype\": "));
  CHECK(contains(problem(one("U8", "[-1]", "[0,1]"), 1), "a negative number"));
  CHECK(contains(problem(one("U8", "[1.0]", "[0,1]"), 1), "not a plain integer"));
  CHECK(contains(problem(one("U8", "[1e0]", "[0,1]"), 1), "not a plain integer"));
  CHECK(contains(problem(one("U8", "[9223372036854775808]", "[0,1]"), 1), "too large"));
  CHECK(contains(problem(one("U8", "[99999999999999999999]", "[0,1]"), 1), "not a plain integer"));
  CHECK(contains(problem(one("U8", "[1]", "[0]"), 1), "needs two numbers"));
  CHECK(contains(problem(one("U8", "[1]", "[]"), 1), "needs two numbers"));
  CHECK(contains(problem(one("U8", "[1]", "[0,1,2]"), 1), "more than two offsets"));
  CHECK(contains(problem(one("U8", "[1]", "[1,0]"), 1), "run backwards"));
  CHECK(contains(problem(one("U8", "[1]", "[-0,1]"), 1), "a negative number"));
}

TEST_CASE("a shape must give exactly the bytes, without overflow", "[modelfile]") {
  CHECK(contains(problem(one("F32", "[2]", "[0,4]"), 4),
                 "F32 [2] needs 8 bytes, data_offsets give 4"));
  CHECK(contains(problem(one("F32", "[]", "[0,0]"), 0), "needs 4 bytes"));
  CHECK(contains(problem(one("F32", "[0]", "[0,4]"), 4), "needs 0 bytes"));
  // 2^32 * 2^32 is 0 in 64 bits, and 2^62 * 4 too; with a zero it must not overflow LibTorch's
  // strides either.
  CHECK(contains(problem(one("U8", "[4294967296,4294967296]", "[0,0]"), 0), "too large"));
  CHECK(contains(problem(one("F32", "[4611686018427387904]", "[0,0]"), 0), "too large"));
  CHECK(contains(problem(one("F32", "[0,4611686018427387904,4]", "[0,0]"), 0), "too large"));
  CHECK(problem(one("U8", "[0,9223372036854775807]", "[0,0]"), 0) == "");
  CHECK(problem(one("U8", "[1,1,1,1,1,1,1,1]", "[0,1]"), 1) == "");
  CHECK(contains(problem(one("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1), "more than 8 dimensions"));
}

TEST_CASE("the tensors must cover the payload without holes and overlaps", "[modelfile]") {
  const auto two = [](const std::string& first, const std::string& second, uint64_t payload) {
    return problem(
        "{\"a\":" + entry("U8", "[4]", first) + ",\"b\":" + entry("U8", "[4]", second) + "}",
        payload);
  };
  CHECK(two("[0,4]", "[4,8]", 8) == "");
  CHECK(two("[4,8]", "[0,4]", 8) == "");
  CHECK(contains(two("[0,4]", "[0,4]", 4), "tensor \"b\": begins at byte 0"));
  CHECK(contains(two("[0,4]", "[3,7]", 7), "overlaps the tensor that ends at byte 4"));
  CHECK(contains(two("[0,4]", "[5,9]", 9), "leaves a hole at byte 4"));
  CHECK(contains(two("[1,5]", "[5,9]", 9), "leaves a hole at byte 0"));
  CHECK(contains(two("[0,4]", "[4,8]", 9), "1 bytes follow the last tensor"));
  CHECK(contains(two("[0,4]", "[4,8]", 7),
                 "tensor \"b\": ends at byte 8 of the payload, which has 7"));
  CHECK(contains(two("[0,4]", "[18446744073709551611,18446744073709551615]", 8), "leaves a hole"));
  CHECK(contains(problem("{}", 3), "3 bytes follow"));
}

TEST_CASE("the number of tensors and the length of names are limited", "[modelfile]") {
  const auto many = [](int count) {
    std::string text = "{";
    for (int i = 0; i < count; ++i)
      text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":" + entry("U8", "[0]", "[0,0]");
    return text + "}";
  };
  CHECK(problem(many(100'000), 0) == "");
  CHECK(contains(problem(many(100'001), 0), "more than 100000 tensors"));
  const auto named = [](const std::string& name) {
    return "{\"" + name + "\":" + entry("U8", "[0]", "[0,0]") + "}";
  };
  CHECK(problem(named(std::string(1024, 'n')), 0) == "");
  CHECK(contains(problem(named(std::string(1025, 'n')), 0), "longer than 1024 bytes"));
  CHECK(contains(problem(named(""), 0), "empty name"));
  // A message never carries control characters to the terminal.
  CHECK(contains(problem(R"({"\u001b[2J":1})", 0), "\"?[2J\""));
}

TEST_CASE("random edits of a header are accepted or a data error", "[modelfile]") {
  const std::string file = test::read_file("tests/golden/tensors.safetensors");
  const uint64_t length =
      static_cast<unsigned char>(file[0]) + 256U * static_cast<unsigned char>(file[1]);
  const std::string good = file.substr(8, length);
  const uint64_t payload = file.size() - 8 - length;
  REQUIRE(problem(good, payload) == "");
  const std::string tokens = "{}[],:\"\\0159-. eE\x01\x7f\xc3\xff";
  const Rng rng(1, Purpose::kUser);
  int refused = 0;
  for (uint32_t round = 0; round < 20'000; ++round) {
    std::string text = good;
    uint32_t draws = 0;
    const auto below = [&](size_t limit) {
      return static_cast<size_t>(rng.uniform(round, draws++) * static_cast<double>(limit));
    };
    for (size_t edits = 1 + below(4); edits > 0; --edits) {
      const size_t at = below(text.size());
      const size_t count = 1 + below(12);
      switch (below(3)) {
        case 0:
          text.erase(at, std::min(count, text.size() - 1));
          break;
        case 1:
          text.insert(at, 1, tokens[below(tokens.size())]);
          break;
        default:
          text.insert(at, text.substr(below(text.size()), count));
          break;
      }
    }
    refused += problem(text, payload).empty() ? 0 : 1;
  }
  CHECK(refused > 10'000);
}

TEST_CASE("byte_size multiplies without overflow", "[modelfile]") {
  uint64_t bytes = 7;
  CHECK((byte_size({}, 8, bytes) && bytes == 8));
  CHECK((byte_size({3, 5}, 2, bytes) && bytes == 30));
  CHECK((byte_size({3, 0}, 2, bytes) && bytes == 0));
  CHECK_FALSE(byte_size({-1}, 1, bytes));
  CHECK_FALSE(byte_size({int64_t{1} << 31, int64_t{1} << 32}, 1, bytes));
}

}  // namespace
}  // namespace pgtrain
