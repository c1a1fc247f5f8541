#include "modelfile/tensor_file.h"

#include <ATen/ATen.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::message_of;
using test::TempDir;

constexpr const char* kGolden = "tests/golden/tensors.safetensors";

const std::vector<at::ScalarType> kTypes = {at::kDouble, at::kFloat, at::kHalf,  at::kBFloat16,
                                            at::kLong,   at::kInt,   at::kShort, at::kChar,
                                            at::kByte,   at::kBool};

// Bit for bit, so that NaN and -0 count too.
bool same(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
  const at::Tensor x = a.contiguous();
  const at::Tensor y = b.contiguous();
  return x.nbytes() == 0 || std::memcmp(x.data_ptr(), y.data_ptr(), x.nbytes()) == 0;
}

at::Tensor six(at::ScalarType type) { return (at::arange(6, at::kLong) - 2).to(type).view({2, 3}); }

// What tests/golden/tensors.safetensors holds. It was made in the repository root with torch 2.13.0
// and the Python package safetensors 0.8.0 by
//   import torch as t
//   from safetensors.torch import save_file as s
//   r=lambda d:(t.arange(6)-2).to(d).view(2,3)
//   n=dict(zip("f64 f32 f16 bf16 i64 i32 i16 i8".split(),
//     (t.float64,t.float32,t.float16,t.bfloat16,t.int64,t.int32,t.int16,t.int8)))
//   s({**{k:r(v) for k,v in
//   n.items()},"u8":t.arange(6).to(t.uint8),"bool":t.tensor([True,False,True]),
//     "zero_dim":t.tensor(0.1),"empty":t.zeros(0,5),'odd
//     "n\u00e4me"':t.tensor([float("nan"),float("inf"),-0.0])},
//     "tests/golden/tensors.safetensors",{"format":"pt"})
std::vector<NamedTensor> golden_tensors() {
  const float special[] = {std::numeric_limits<float>::quiet_NaN(),
                           std::numeric_limits<float>::infinity(), -0.0F};
  return {{"f64", six(at::kDouble)},
          {"f32", six(at::kFloat)},
          {"f16", six(at::kHalf)},
          {"bf16", six(at::kBFloat16)},
          {"i64", six(at::kLong)},
          {"i32", six(at::kInt)},
          {"i16", six(at::kShort)},
          {"i8", six(at::kChar)},
          {"u8", at::arange(6, at::kByte)},
          {"bool", at::arange(3, at::kLong).remainder(2).eq(0)},
          {"zero_dim", at::scalar_tensor(0.1, at::kFloat)},
          {"empty", at::zeros({0, 5})},
          {"odd \"n\u00e4me\"", at::tensor(at::ArrayRef<float>(special, 3))}};
}

TEST_CASE("a file of the Python package is read bit for bit", "[modelfile]") {
  const TensorFile file = TensorFile::open(kGolden);
  CHECK(file.names().size() == golden_tensors().size());
  CHECK(file.metadata() == std::map<std::string, std::string>{{"format", "pt"}});
  for (const auto& [name, tensor] : golden_tensors()) {
    INFO(name);
    REQUIRE(file.has(name));
    CHECK(file.shape(name) == tensor.sizes().vec());
    CHECK(file.dtype(name) == tensor.scalar_type());
    CHECK(same(file.tensor(name), tensor));
  }
}

TEST_CASE("a written file has the bytes of the Python package, in any order of the tensors",
          "[modelfile]") {
  const TempDir dir;
  auto tensors = golden_tensors();
  write_tensor_file(dir / "a.safetensors", tensors);
  CHECK(test::read_file(dir / "a.safetensors") == test::read_file(kGolden));
  std::reverse(tensors.begin(), tensors.end());
  write_tensor_file(dir / "a.safetensors", tensors);
  CHECK(test::read_file(dir / "a.safetensors") == test::read_file(kGolden));
  CHECK_FALSE(fs::exists(dir / "a.safetensors.tmp"));
}

TEST_CASE("every dtype and shape makes the round trip", "[modelfile]") {
  const TempDir dir;
  const std::vector<std::vector<int64_t>> shapes = {
      {}, {0}, {1}, {7}, {2, 0, 3}, {3, 5}, {1, 2, 1, 2, 1, 2, 1, 2}};
  std::vector<NamedTensor> tensors;
  for (const at::ScalarType type : kTypes) {
    for (size_t i = 0; i < shapes.size(); ++i) {
      const at::Tensor values =
          at::randint(0, 100, shapes[i], at::TensorOptions().dtype(at::kLong));
      tensors.push_back({std::string(c10::toString(type)) + std::to_string(i), values.to(type)});
    }
  }
  write_tensor_file(dir / "t", tensors, {{"b", "2"}, {"a", "\u00e4\n\""}});
  const TensorFile file = TensorFile::open(dir / "t");
  CHECK(file.names().size() == tensors.size());
  CHECK(file.metadata().at("a") == "\u00e4\n\"");
  for (const auto& [name, tensor] : tensors) {
    INFO(name);
    CHECK(same(file.tensor(name), tensor));
  }
}

TEST_CASE("strided, expanded and trained tensors are written by value", "[modelfile]") {
  const TempDir dir;
  const at::Tensor base = at::arange(12, at::kFloat).view({3, 4});
  const at::Tensor leaf = base.clone().requires_grad_(true);
  write_tensor_file(dir / "t", {{"transposed", base.t()},
                                {"column", base.select(1, 2)},
                                {"expanded", base.select(0, 1).expand({2, 4})},
                                {"leaf", leaf}});
  const TensorFile file = TensorFile::open(dir / "t");
  CHECK(same(file.tensor("transposed"), base.t()));
  CHECK(same(file.tensor("column"), base.select(1, 2)));
  CHECK(same(file.tensor("expanded"), base.select(0, 1).expand({2, 4})));
  CHECK(same(file.tensor("leaf"), base));
}

TEST_CASE("no tensors and no metadata make an empty file", "[modelfile]") {
  const TempDir dir;
  write_tensor_file(dir / "t", {}, {});
  CHECK(test::read_file(dir / "t") == std::string("\x08\0\0\0\0\0\0\0{}      ", 16));
  CHECK(TensorFile::open(dir / "t").names().empty());
}

TEST_CASE("what the format cannot hold is a bug of the caller", "[modelfile]") {
  const TempDir dir;
  const at::Tensor one = at::ones({1});
  const auto writes = [&](const std::vector<NamedTensor>& tensors) {
    return message_of<InternalError>([&] { write_tensor_file(dir / "t", tensors); });
  };
  CHECK(contains(writes({{"a", one}, {"a", one}}), "\"a\" comes twice"));
  CHECK(contains(writes({{"", one}}), "tensor name \"\""));
  CHECK(contains(writes({{"__metadata__", one}}), "__metadata__"));
  CHECK(contains(writes({{std::string(1025, 'n'), one}}), "tensor name"));
  CHECK(contains(writes({{"a", at::Tensor()}}), "undefined"));
  CHECK(contains(writes({{"a", one.to(at::kComplexFloat)}}), "ComplexFloat"));
  CHECK(contains(writes({{"a", one.view({1, 1, 1, 1, 1, 1, 1, 1, 1})}}), "shape"));
  CHECK(contains(writes({{"a\xff", one}}), "UTF-8"));
  CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("copies of a file and its tensors outlive each other", "[modelfile]") {
  at::Tensor tensor;
  {
    const TensorFile copy = TensorFile::open(kGolden);
    tensor = copy.tensor("f32");
  }
  tensor.fill_(9);
  CHECK(same(TensorFile::open(kGolden).tensor("f32"), six(at::kFloat)));
}

TEST_CASE("an unknown tensor and a missing file are data errors", "[modelfile]") {
  const TempDir dir;
  const TensorFile file = TensorFile::open(kGolden);
  const auto message = message_of<DataError>([&] { file.tensor("weight"); });
  CHECK(contains(message, kGolden));
  CHECK(contains(message, "\"weight\""));
  CHECK_THROWS_AS(file.shape("weight"), DataError);
  CHECK_THROWS_AS(file.dtype("weight"), DataError);
  CHECK(contains(message_of<DataError>([&] { TensorFile::open(dir / "none"); }),
                 "none: cannot open"));
  CHECK(contains(message_of<DataError>([&] { TensorFile::open(dir.path()); }), "not a plain file"));
  CHECK(
      contains(message_of<DataError>([&] { TensorFile::open("/dev/zero"); }), "not a plain file"));
}

TEST_CASE("a file that is cut short after opening is a data error", "[modelfile]") {
  const TempDir dir;
  write_tensor_file(dir / "t", {{"a", at::ones({100})}});
  const TensorFile file = TensorFile::open(dir / "t");
  fs::resize_file(dir / "t", 200);
  CHECK(
      contains(message_of<DataError>([&] { file.tensor("a"); }), "\"a\": the file became shorter"));
}

TEST_CASE("a truth value that is neither 0 nor 1 is a data error", "[modelfile]") {
  const TempDir dir;
  write_tensor_file(dir / "t", {{"a", at::ones({2}, at::kBool)}});
  std::string bytes = test::read_file(dir / "t");
  bytes.back() = 2;
  test::write_file(dir / "t", bytes);
  const TensorFile file = TensorFile::open(dir / "t");
  CHECK(contains(message_of<DataError>([&] { file.tensor("a"); }), "BOOL bytes"));
}

TEST_CASE("copy_into fills views, strides and leaves in place", "[modelfile]") {
  const TempDir dir;
  write_tensor_file(dir / "t",
                    {{"a", six(at::kFloat)}, {"b", six(at::kFloat) + 10}, {"n", six(at::kLong)}});
  const at::Tensor flat = at::zeros({12});
  const at::Tensor leaf = at::zeros({3, 2}).requires_grad_(true);
  const at::Tensor count = at::zeros({2, 3}, at::kLong);
  copy_into(TensorFile::open(dir / "t"),
            {{"a", flat.narrow(0, 6, 6).view({2, 3})}, {"b", leaf.t()}, {"n", count}});
  CHECK(same(flat.narrow(0, 6, 6).view({2, 3}), six(at::kFloat)));
  CHECK(same(flat.narrow(0, 0, 6), at::zeros({6})));
  CHECK(same(leaf.detach().t(), six(at::kFloat) + 10));
  CHECK(leaf.is_leaf());
  CHECK(same(count, six(at::kLong)));
}

TEST_CASE("copy_into reports all differences at once and touches nothing", "[modelfile]") {
  const TempDir dir;
  const at::Tensor ones = at::ones({2});
  write_tensor_file(dir / "t", {{"fits", ones}, {"shape", ones}, {"dtype", ones}, {"extra", ones}});
  const at::Tensor fits = at::zeros({2});
  const auto message = message_of<DataError>([&] {
    copy_into(TensorFile::open(dir / "t"), {{"fits", fits},
                                            {"shape", at::zeros({2, 1})},
                                            {"dtype", at::zeros({2}, at::kLong)},
                                            {"gone", ones}});
  });
  CHECK(contains(message, dir / "t"));
  CHECK(contains(message, "4 differences"));
  CHECK(contains(message, "\"shape\" is F32 [2], needed is F32 [2, 1]"));
  CHECK(contains(message, "\"dtype\" is F32 [2], needed is I64 [2]"));
  CHECK(contains(message, "\"gone\" is missing"));
  CHECK(contains(message, "\"extra\" is not expected"));
  CHECK(same(fits, at::zeros({2})));
  CHECK_THROWS_AS(copy_into(TensorFile::open(dir / "t"), {{"fits", fits}, {"fits", fits}}),
                  InternalError);
}

// The file of the damage tests: small, with both kinds of entries.
std::string tiny_file(const TempDir& dir) {
  write_tensor_file(dir / "tiny", {{"a", six(at::kHalf)}, {"b", at::ones({3}, at::kBool)}});
  return test::read_file(dir / "tiny");
}

// Reads all there is. Any other exception than DataError fails the test case.
bool readable(const std::string& path) {
  try {
    const TensorFile file = TensorFile::open(path);
    for (const std::string& name : file.names()) static_cast<void>(file.tensor(name));
    return true;
  } catch (const DataError& e) {
    CHECK(contains(e.what(), path));
    return false;
  }
}

TEST_CASE("a file cut at any length is a data error", "[modelfile]") {
  const TempDir dir;
  const std::string bytes = tiny_file(dir);
  for (size_t length = 0; length < bytes.size(); ++length) {
    INFO(length);
    test::write_file(dir / "cut", bytes.substr(0, length));
    CHECK_FALSE(readable(dir / "cut"));
  }
  for (const char extra : {'\0', ' '}) {
    test::write_file(dir / "cut", bytes + extra);
    CHECK_FALSE(readable(dir / "cut"));
  }
}

TEST_CASE("an announced header length is checked before memory is taken", "[modelfile]") {
  const TempDir dir;
  const auto opened = [&](const std::string& length) {
    test::write_file(dir / "t", length + "{}");
    return message_of<DataError>([&] { TensorFile::open(dir / "t"); });
  };
  CHECK(
      contains(opened(std::string(8, '\xff')), "18446744073709551615 bytes is announced, at most"));
  CHECK(contains(opened(std::string("\x01\xe1\xf5\x05\0\0\0\0", 8)),
                 "100000001 bytes is announced, at most"));
  CHECK(contains(opened(std::string("\x00\xe1\xf5\x05\0\0\0\0", 8)), "the file has only 10"));
  CHECK(contains(opened(std::string("\x03\0\0\0\0\0\0\0", 8)), "cut short"));
  CHECK(contains(opened(std::string("\x01\0\0\0\0\0\0\0", 8)), "not valid JSON"));
  CHECK(contains(opened(std::string(8, '\0')), "does not begin with '{'"));
  CHECK(opened(std::string("\x02\0\0\0\0\0\0\0", 8)) == "");
}

TEST_CASE("any changed byte gives a readable file or a data error, never a crash", "[modelfile]") {
  const TempDir dir;
  const std::string bytes = tiny_file(dir);
  int refused = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const int flip : {0x01, 0x02, 0x20, 0x80, 0xff}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      test::write_file(dir / "damaged", damaged);
      refused += readable(dir / "damaged") ? 0 : 1;
    }
  }
  // The length alone is 8 of the bytes; the rest of the header is mostly structure.
  CHECK(refused > static_cast<int>(bytes.size()) * 5 / 2);
}

TEST_CASE("a disk that takes no more leaves the old file and nothing else", "[modelfile]") {
  const TempDir dir;
  write_tensor_file(dir / "t", {{"a", at::ones({4})}});
  const std::string before = test::read_file(dir / "t");
  auto* const old_handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit old_limit {};
  getrlimit(RLIMIT_FSIZE, &old_limit);
  for (const rlim_t limit : {0, 4, 50, 1000, 4000}) {
    const struct rlimit small = {limit, old_limit.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const auto message = message_of<DiskError>([&] {
      write_tensor_file(dir / "t", {{"a", at::ones({1000})}});
    });
    setrlimit(RLIMIT_FSIZE, &old_limit);
    CHECK(contains(message, "cannot write"));
    CHECK(test::read_file(dir / "t") == before);
    CHECK_FALSE(fs::exists(dir / "t.tmp"));
  }
  std::signal(SIGXFSZ, old_handler);
  CHECK_THROWS_AS(write_tensor_file(dir / "none/t", {}), DiskError);
}

}  // namespace
}  // namespace pgtrain
