// All parameters of a run in one flat buffer: one norm, one optimiser loop, one copy.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "nn/language_model.h"

namespace pgtrain {

// [size] float32 zeros, on huge pages where the system has them.
at::Tensor flat_zeros(int64_t size);

class ParameterBuffer {
 public:
  // Moves the parameters into one float32 buffer (each starts at a multiple of 64 bytes, the gaps
  // are zero) and makes the tensors views of it. The tensors need gradients afterwards and share
  // one gradient buffer of the same layout.
  explicit ParameterBuffer(const std::vector<LanguageModel::Parameter>& parameters);

  // Makes a second model with the same parameters (names and shapes) share the values, with
  // gradients of its own, so that several workers can run backward passes side by side. Returns the
  // replica's flat gradient.
  at::Tensor attach(const std::vector<LanguageModel::Parameter>& replica) const;

  const at::Tensor& values() const { return values_; }      // [size]
  const at::Tensor& gradient() const { return gradient_; }  // [size]
  int64_t size() const { return values_.numel(); }

  struct Entry {
    std::string name;
    std::vector<int64_t> shape;
    int64_t offset = 0;
    int64_t count = 0;
  };
  const std::vector<Entry>& entries() const { return entries_; }
  // The values of the parameter of that name, a view. Throws InternalError when there is none.
  at::Tensor value(const std::string& name) const;
  // The part of a flat tensor of this layout that belongs to an entry, in its shape.
  static at::Tensor view(const at::Tensor& flat, const Entry& entry);

 private:
  void bind(const std::vector<LanguageModel::Parameter>& parameters,
            const at::Tensor& gradient) const;

  std::vector<Entry> entries_;
  at::Tensor values_;
  at::Tensor gradient_;
};

}  // namespace pgtrain
