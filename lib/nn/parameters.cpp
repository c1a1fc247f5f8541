#include "nn/parameters.h"

#include <torch/torch.h>

#include "core/error.h"
#include "core/memory.h"

namespace pgtrain {
namespace {

constexpr int64_t kAlignment = 16;  // floats

}  // namespace

at::Tensor flat_zeros(int64_t size) {
  const at::Tensor flat = at::empty({size});
  advise_huge_pages(flat.data_ptr(), flat.nbytes());
  return flat.zero_();
}

ParameterBuffer::ParameterBuffer(const std::vector<LanguageModel::Parameter>& parameters) {
  int64_t size = 0;
  for (const auto& parameter : parameters) {
    const at::Tensor& tensor = *parameter.tensor;
    PG_CHECK(tensor.scalar_type() == at::kFloat, "{} is not float32", parameter.name);
    entries_.push_back({parameter.name, tensor.sizes().vec(), size, tensor.numel()});
    size += (tensor.numel() + kAlignment - 1) / kAlignment * kAlignment;
  }
  values_ = flat_zeros(size);
  gradient_ = flat_zeros(size);
  for (size_t i = 0; i < entries_.size(); ++i)
    view(values_, entries_[i]).copy_(parameters[i].tensor->detach());
  bind(parameters, gradient_);
}

at::Tensor ParameterBuffer::attach(const std::vector<LanguageModel::Parameter>& replica) const {
  at::Tensor gradient = flat_zeros(values_.numel());
  bind(replica, gradient);
  return gradient;
}

at::Tensor ParameterBuffer::value(const std::string& name) const {
  for (const Entry& entry : entries_)
    if (entry.name == name) return view(values_, entry);
  throw InternalError(fmt::format("no parameter {}", name));
}

at::Tensor ParameterBuffer::view(const at::Tensor& flat, const Entry& entry) {
  return flat.narrow(0, entry.offset, entry.count).view(entry.shape);
}

void ParameterBuffer::bind(const std::vector<LanguageModel::Parameter>& parameters,
                           const at::Tensor& gradient) const {
  PG_CHECK(parameters.size() == entries_.size(), "{} parameters for a buffer of {}",
           parameters.size(), entries_.size());
  for (size_t i = 0; i < entries_.size(); ++i) {
    PG_CHECK(parameters[i].name == entries_[i].name &&
                 parameters[i].tensor->sizes().vec() == entries_[i].shape,
             "parameter {} does not match {}", parameters[i].name, entries_[i].name);
    // A leaf of its own that shares the storage: its gradient and version are independent of the
    // other replicas'.
    *parameters[i].tensor = view(values_, entries_[i]).detach().requires_grad_(true);
    parameters[i].tensor->mutable_grad() = view(gradient, entries_[i]);
  }
}

}  // namespace pgtrain
