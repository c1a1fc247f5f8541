// Shared by the targets of the model formats.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "modelfile/tensor_file.h"
#include "modelfile/weight_source.h"

namespace pgtrain::fuzz {

inline void require(bool law, const char* what) {
  if (law) return;
  std::fprintf(stderr, "broken law: %s\n", what);
  std::abort();
}

// Cuts the input into texts: two bytes of length before each but the last.
class Parts {
 public:
  Parts(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  std::string next() {
    if (rest_.size() < 2) return "";
    const size_t length =
        static_cast<uint8_t>(rest_[0]) | static_cast<size_t>(static_cast<uint8_t>(rest_[1])) << 8;
    std::string part = rest_.substr(2, length);
    rest_.erase(0, 2 + part.size());
    return part;
  }
  const std::string& rest() const { return rest_; }

 private:
  std::string rest_;
};

// Every tensor can be read, has the announced shape, and is float32.
inline void read_all(const WeightSource& weights) {
  for (const std::string& name : weights.names()) {
    require(weights.has(name), "a listed tensor is there");
    const at::Tensor tensor = weights.tensor(name);
    require(tensor.sizes() == at::IntArrayRef(weights.shape(name)), "the announced shape");
    require(tensor.scalar_type() == at::kFloat, "float32");
  }
}

}  // namespace pgtrain::fuzz
