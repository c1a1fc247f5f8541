#include "modelfile/ggml_types.h"

#include <ATen/ATen.h>

#include <cmath>
#include <cstring>

#include "modelfile/tensor_file.h"
#include "support/support.h"

namespace pgtrain {
namespace {

const TensorFile& goldens() {
  static const TensorFile file = TensorFile::open("tests/golden/modelfile/quants.safetensors");
  return file;
}

std::vector<float> to_float(const GgmlType& type, const at::Tensor& blocks) {
  const auto count = static_cast<uint64_t>(blocks.numel()) / type.block_bytes;
  std::vector<float> values(count * type.block_elements);
  type.to_float(blocks.data_ptr<uint8_t>(), count, values.data());
  return values;
}

TEST_CASE("every quantised type is read bit for bit as the Python package gguf reads it",
          "[modelfile]") {
  for (const char* name :
       {"F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"}) {
    INFO(name);
    const std::vector<float> values =
        to_float(ggml_type(name), goldens().tensor(std::string(name) + ".blocks"));
    const at::Tensor expected = goldens().tensor(std::string(name) + ".values");
    REQUIRE(values.size() == static_cast<size_t>(expected.numel()));
    CHECK(std::memcmp(values.data(), expected.data_ptr(), values.size() * 4) == 0);
  }
}

TEST_CASE("Q8_0 is written bit for bit as the Python package gguf writes it", "[modelfile]") {
  const at::Tensor values = goldens().tensor("quantize.values");
  const at::Tensor expected = goldens().tensor("quantize.Q8_0");
  std::vector<unsigned char> blocks(static_cast<size_t>(expected.numel()));
  REQUIRE(blocks.size() == static_cast<size_t>(values.numel()) / 32 * 34);
  quantize_q8_0(values.data_ptr<float>(), static_cast<uint64_t>(values.numel()), blocks.data());
  CHECK(std::memcmp(blocks.data(), expected.data_ptr(), blocks.size()) == 0);
}

TEST_CASE("blocks by hand", "[modelfile]") {
  // Half 0x3800 is 0.5, 0xbc00 is -1.
  std::vector<unsigned char> block = {0x00, 0x38, 0x00, 0xbc};
  block.insert(block.end(), 16, 0xf3);
  std::vector<float> values(32);
  ggml_type("Q4_1").to_float(block.data(), 1, values.data());
  CHECK(values[0] == 0.5F * 3 - 1);
  CHECK(values[31] == 0.5F * 15 - 1);
  block.erase(block.begin() + 2, block.begin() + 4);
  ggml_type("Q4_0").to_float(block.data(), 1, values.data());
  CHECK(values[15] == 0.5F * (3 - 8));
  CHECK(values[16] == 0.5F * (15 - 8));
}

TEST_CASE("a row of values too small for a half is written as zeros", "[modelfile]") {
  const std::vector<float> values(32, 1e-43F);
  std::vector<unsigned char> block(34);
  quantize_q8_0(values.data(), 32, block.data());
  std::vector<float> back(32);
  ggml_type("Q8_0").to_float(block.data(), 1, back.data());
  CHECK(back == std::vector<float>(32, 0.0F));
}

TEST_CASE("types are known by number and by name", "[modelfile]") {
  CHECK(find_ggml_type(12)->name == std::string("Q4_K"));
  CHECK(find_ggml_type(10) == nullptr);
  CHECK(ggml_type_name(10) == "Q2_K");
  CHECK(ggml_type_name(35) == "TQ2_0");
  CHECK(ggml_type_name(4).empty());
  CHECK(ggml_type_name(4'000'000'000U).empty());
  CHECK(test::contains(readable_ggml_types(), "F16, Q4_0"));
}

}  // namespace
}  // namespace pgtrain
