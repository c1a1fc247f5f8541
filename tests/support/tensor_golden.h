// Reads the safetensors files of tests/golden, which are trusted: no check of the format.
#pragma once

#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "support/tensors.h"

namespace pgtrain::test {

// Every tensor by name, float16 widened to float32.
inline std::map<std::string, at::Tensor> golden_tensors(const std::string& name) {
  const std::string bytes = read_file("tests/golden/" + name);
  uint64_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof size);
  const auto header = nlohmann::json::parse(bytes.substr(8, size));
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [key, entry] : header.items()) {
    if (key == "__metadata__") continue;
    const auto dtype = entry["dtype"] == "F16" ? torch::kFloat16 : torch::kFloat32;
    at::Tensor tensor = torch::empty(entry["shape"].get<std::vector<int64_t>>(), dtype);
    std::memcpy(tensor.data_ptr(), bytes.data() + 8 + size + entry["data_offsets"][0].get<size_t>(),
                tensor.nbytes());
    tensors[key] = tensor.to(torch::kFloat32);
  }
  return tensors;
}

}  // namespace pgtrain::test
