#include "modelfile/weight_source.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "core/error.h"
#include "modelfile/tensor_header.h"

namespace pgtrain {

at::Tensor WeightSource::tensor(const std::string& name) const {
  at::Tensor result = at::empty(shape(name), at::TensorOptions().dtype(at::kFloat));
  read(name, result.data_ptr<float>());
  return result;
}

void WeightSource::read_into(const std::string& name, at::Tensor destination) const {
  PG_CHECK(at::isFloatingType(destination.scalar_type()), "a destination of type {}",
           c10::toString(destination.scalar_type()));
  if (destination.sizes() != at::IntArrayRef(shape(name)))
    throw DataError(fmt::format("{}: has the shape {}, the model needs {}", where(name),
                                shape_text(shape(name)), shape_text(destination.sizes().vec())));
  const c10::NoGradGuard no_grad;
  if (destination.scalar_type() == at::kFloat && destination.device().is_cpu() &&
      destination.is_contiguous()) {
    read(name, destination.data_ptr<float>());
  } else {
    destination.copy_(tensor(name));
  }
}

}  // namespace pgtrain
