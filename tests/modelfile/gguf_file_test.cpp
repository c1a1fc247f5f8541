#include "modelfile/gguf_file.h"

#include "core/error.h"
#include "gguf_builder.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::contains;
using test::GgufBuilder;
using test::raw;
using test::raw_text;

GgufFile parse(const std::string& bytes) {
  return GgufFile::of(FileBytes::from_memory(bytes, "x.gguf"));
}

// The error for these bytes; "" when they are accepted.
std::string problem(const std::string& bytes) {
  const auto message = test::message_of<DataError>([&] { parse(bytes); });
  if (!message.empty()) CHECK(contains(message, "x.gguf: "));
  return message;
}
std::string problem(const GgufBuilder& builder) { return problem(builder.bytes()); }

TEST_CASE("all metadata types are read", "[modelfile]") {
  GgufBuilder builder;
  builder.entry("u8", 0, raw<uint8_t>(200)).entry("i8", 1, raw<int8_t>(-3));
  builder.entry("u16", 2, raw<uint16_t>(60000)).entry("i16", 3, raw<int16_t>(-300));
  builder.entry("u32", 4, raw<uint32_t>(4'000'000'000)).entry("i32", 5, raw<int32_t>(-7));
  builder.entry("f32", 6, raw(1e-5F)).entry("yes", 7, raw<uint8_t>(1));
  builder.text("text", "\u00e4").texts("texts", {"a", "", "\u00e9"});
  builder.entry("u64", 10, raw(UINT64_MAX)).entry("i64", 11, raw(INT64_MIN));
  builder.entry("f64", 12, raw(0.1));
  builder.entry("floats", 9, raw<uint32_t>(6) + raw<uint64_t>(2) + raw(0.5F) + raw(-2.0F));
  builder.entry("ints", 9, raw<uint32_t>(5) + raw<uint64_t>(1) + raw<int32_t>(-9));
  builder.entry("nested", 9,
                raw<uint32_t>(9) + raw<uint64_t>(2) + raw<uint32_t>(0) + raw<uint64_t>(1) + "x" +
                    raw<uint32_t>(8) + raw<uint64_t>(1) + raw_text("deep"));
  for (const uint32_t version : {2U, 3U}) {
    builder.version = version;
    const GgufFile file = parse(builder.bytes());
    CHECK(file.version() == version);
    CHECK(file.integer("u8", 0, 255) == 200);
    CHECK(file.integer("i8", -9, 9) == -3);
    CHECK(file.integer("u16", 0, 1 << 20) == 60000);
    CHECK(file.integer("i16", -300, 0) == -300);
    CHECK(file.integer("u32", 0, int64_t{1} << 40) == 4'000'000'000);
    CHECK(file.integer("i32", -7, 0) == -7);
    CHECK(file.integer("i64", INT64_MIN, 0) == INT64_MIN);
    CHECK(file.number("f32") == 1e-5);
    CHECK(file.number("f64") == 0.1);
    CHECK(file.number("u8") == 200.0);
    CHECK(file.boolean("yes") == true);
    CHECK(file.text("text") == "\u00e4");
    CHECK(file.texts("texts") == std::vector<std::string>{"a", "", "\u00e9"});
    CHECK(file.floats("floats") == std::vector<float>{0.5F, -2.0F});
    CHECK(file.integers("ints") == std::vector<int32_t>{-9});
    CHECK(file.array_size("nested") == 2);
    CHECK_FALSE(file.integer("none", 0, 1));
    CHECK(file.texts("none").empty());
    CHECK(file.tensors().empty());
    CHECK_THROWS_AS(file.integer("u64", 0, INT64_MAX), DataError);
    CHECK_THROWS_AS(file.integer("u8", 0, 199), DataError);
    CHECK_THROWS_AS(file.integer("text", 0, 1), DataError);
    CHECK_THROWS_AS(file.boolean("u8"), DataError);
    CHECK_THROWS_AS(file.text("u8"), DataError);
    CHECK_THROWS_AS(file.number("text"), DataError);
    CHECK_THROWS_AS(file.texts("ints"), DataError);
    CHECK_THROWS_AS(file.floats("ints"), DataError);
  }
}

TEST_CASE("tensors are read by shape, offset and alignment", "[modelfile]") {
  GgufBuilder builder;
  builder.alignment = 64;
  builder.u32("general.alignment", 64).floats("a", {2, 3}).floats("b", {5});
  const GgufFile file = parse(builder.bytes());
  REQUIRE(file.tensors().size() == 2);
  const GgufTensor& a = *file.find_tensor("a");
  CHECK(a.shape == std::vector<int64_t>{2, 3});
  std::vector<float> values(6);
  file.read(a, values.data());
  CHECK(values == std::vector<float>{0, 1, 2, 3, 4, 5});
  CHECK(file.find_tensor("b")->begin % 64 == 0);
  CHECK(file.find_tensor("c") == nullptr);
}

TEST_CASE("the head of the file is checked", "[modelfile]") {
  CHECK(contains(problem(""), "not a GGUF file"));
  CHECK(contains(problem("GGML" + std::string(20, '\0')), "not a GGUF file"));
  CHECK(contains(problem("GGUF"), "ends at byte 4"));
  GgufBuilder builder;
  CHECK(problem(builder) == "");
  for (const uint32_t version : {0U, 1U, 4U, 1000U}) {
    builder.version = version;
    CHECK(contains(problem(builder), "2 and 3 can be read"));
  }
  builder.version = 0x03000000;
  CHECK(contains(problem(builder), "big-endian"));
}

TEST_CASE("announced counts and lengths are held against the file", "[modelfile]") {
  GgufBuilder counts;
  counts.extra_tensors = UINT64_MAX;
  CHECK(contains(problem(counts), "at most 100000 are allowed"));
  counts.extra_tensors = 100'000;
  CHECK(contains(problem(counts), "tensor 1 of 100000: the file ends"));
  counts.extra_tensors = 0;
  counts.extra_metadata = UINT64_MAX;
  CHECK(contains(problem(counts), "metadata entry 1 of 18446744073709551615: the file ends"));
  const auto with = [](uint32_t type, const std::string& value) {
    return problem(GgufBuilder().entry("k", type, value));
  };
  CHECK(contains(with(8, raw(UINT64_MAX)), "18446744073709551615 bytes are announced"));
  CHECK(contains(with(8, raw<uint64_t>(5) + "abc"), "the file has 3 more"));
  CHECK(contains(with(13, "abcd"), "key \"k\": unknown type 13"));
  CHECK(contains(with(7, raw<uint8_t>(2)), "truth value 2"));
  CHECK(contains(with(9, raw<uint32_t>(0) + raw(UINT64_MAX)), "an array of 18446744073709551615"));
  CHECK(contains(with(9, raw<uint32_t>(10) + raw<uint64_t>(2) + std::string(15, 'x')),
                 "an array of 2 elements is announced, the file has 15 more"));
  CHECK(contains(with(9, raw<uint32_t>(8) + raw<uint64_t>(1) + raw(UINT64_MAX)), "cut short?"));
  CHECK(
      contains(with(9, raw<uint32_t>(7) + raw<uint64_t>(1) + raw<uint8_t>(3)), "neither 0 nor 1"));
  std::string nested = raw<uint32_t>(0) + raw<uint64_t>(0);
  for (int depth = 1; depth < 4; ++depth) nested = raw<uint32_t>(9) + raw<uint64_t>(1) + nested;
  CHECK(with(9, nested) == "");
  CHECK(contains(with(9, raw<uint32_t>(9) + raw<uint64_t>(1) + nested), "more than 4 deep"));
}

TEST_CASE("keys and tensors may not repeat", "[modelfile]") {
  CHECK(contains(problem(GgufBuilder().u32("k", 1).u32("k", 1)), "key \"k\": stands there twice"));
  CHECK(contains(problem(GgufBuilder().u32("", 1)), "an empty key"));
  CHECK(contains(problem(GgufBuilder().floats("t", {1}).floats("t", {1})),
                 "tensor \"t\": stands there twice"));
  CHECK(contains(problem(GgufBuilder().u32(std::string(65536, 'k'), 1)), "at most 65535"));
}

TEST_CASE("tensor entries are checked", "[modelfile]") {
  const auto with = [](const std::string& name, const std::vector<uint64_t>& sizes, uint32_t type,
                       uint64_t offset, size_t data = 32) {
    return problem(
        GgufBuilder().tensor_entry(name, sizes, type, offset).data(std::string(data, 'd')));
  };
  CHECK(with("t", {8}, 0, 0) == "");
  CHECK(with("t", {}, 0, 0) == "");
  CHECK(with("t", {2, 1, 2, 2}, 0, 0) == "");
  CHECK(contains(with("t", {1, 1, 1, 1, 1}, 0, 0), "5 dimensions, at most 4"));
  CHECK(contains(with("t", {9}, 0, 0), "ends at byte 36 of the data, which has 32"));
  CHECK(contains(with("t", {1}, 0, 4), "no multiple of 32"));
  CHECK(contains(with("t", {1}, 0, 64), "cut short?"));
  CHECK(contains(with("t", {8}, 0, UINT64_MAX - 31), "begins at byte"));
  CHECK(contains(with("t", {0}, 0, 0), "dimension 0 has the size 0"));
  CHECK(contains(with("t", {uint64_t{1} << 63}, 0, 0), "dimension 0 has the size"));
  CHECK(contains(with("t", {uint64_t{1} << 32, uint64_t{1} << 32}, 0, 0), "too large"));
  CHECK(contains(with("t", {uint64_t{1} << 62}, 0, 0), "too large"));
  CHECK(contains(with("t", {16}, 8, 0), "no multiple of the 32 of a Q8_0 block"));
  CHECK(contains(with("t", {32}, 10, 0), "the type Q2_K (10) cannot be read; known are F32, F16"));
  CHECK(contains(with("t", {32}, 99, 0), "the type unknown (99)"));
  CHECK(contains(with("", {1}, 0, 0), "the name is empty"));
  CHECK(with(std::string(64, 'n'), {1}, 0, 0) == "");
  CHECK(contains(with(std::string(65, 'n'), {1}, 0, 0), "at most 64"));
}

TEST_CASE("tensors may not overlap", "[modelfile]") {
  GgufBuilder builder;
  builder.tensor_entry("a", {16}, 0, 0).tensor_entry("b", {1}, 0, 32).data(std::string(96, 'd'));
  CHECK(contains(problem(builder), "the tensors \"a\" and \"b\" overlap"));
}

TEST_CASE("alignment must be a power of two", "[modelfile]") {
  CHECK(contains(problem(GgufBuilder().u32("general.alignment", 0)), "from 1"));
  CHECK(contains(problem(GgufBuilder().u32("general.alignment", 48)), "a power of two"));
  CHECK(contains(problem(GgufBuilder().u32("general.alignment", 1 << 21)), "to 1048576"));
  CHECK(contains(problem(GgufBuilder().text("general.alignment", "32")), "general.alignment"));
  CHECK(problem(GgufBuilder().u32("general.alignment", 8)) == "");
}

TEST_CASE("a GGUF file cut at any length is a data error", "[modelfile]") {
  const std::string bytes = test::tiny_gguf().bytes();
  for (size_t length = 0; length < bytes.size() - 32; ++length) {
    INFO(length);
    CHECK_FALSE(problem(bytes.substr(0, length)).empty());
  }
}

TEST_CASE("texts that are not UTF-8 are refused where they are used", "[modelfile]") {
  const GgufFile file =
      parse(GgufBuilder().text("t", "\xff").texts("ts", {"good", "bad\xff"}).bytes());
  CHECK_THROWS_AS(file.text("t"), DataError);
  CHECK(contains(test::message_of<DataError>([&] { file.texts("ts"); }), "element 1"));
}

}  // namespace
}  // namespace pgtrain
