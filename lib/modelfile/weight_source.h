// Where a pretrained model's weights come from: named tensors that are read one at a time.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace pgtrain {

// Names, shapes and element order are those of the Hugging Face checkpoint of the architecture,
// whatever the file's own are. Implementations hold no tensor in memory and may be read from
// several threads.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  virtual const std::vector<std::string>& names() const = 0;
  virtual bool has(const std::string& name) const = 0;
  // These four throw DataError when there is no such tensor.
  virtual const std::vector<int64_t>& shape(const std::string& name) const = 0;
  // How the file stores it: "F32", "BF16", "Q8_0", ...
  virtual std::string dtype(const std::string& name) const = 0;
  virtual uint64_t stored_bytes(const std::string& name) const = 0;
  // A new contiguous float32 CPU tensor. Throws DataError when reading fails or the stored dtype
  // cannot be read as float32.
  at::Tensor tensor(const std::string& name) const;

  // Overwrites a floating-point tensor of the same shape (any device, strides and dtype), outside
  // autograd; a contiguous float32 CPU tensor is filled without a copy between. Throws DataError as
  // tensor(), and when the shapes differ.
  void read_into(const std::string& name, at::Tensor destination) const;

 protected:
  // Writes all elements in row-major order of shape(name).
  virtual void read(const std::string& name, float* to) const = 0;
  // For messages: file and tensor.
  virtual std::string where(const std::string& name) const = 0;
};

}  // namespace pgtrain
