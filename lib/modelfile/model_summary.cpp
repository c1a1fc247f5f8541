#include "modelfile/model_summary.h"

#include <ATen/ATen.h>

#include <utility>

namespace pgtrain {
namespace {

int64_t element_count(const std::vector<int64_t>& shape) {
  int64_t elements = 1;
  for (const int64_t size : shape) elements *= size;
  return elements;
}

void add(TensorSummary tensor, ModelSummary& summary) {
  tensor.elements = element_count(tensor.shape);
  summary.parameters += tensor.elements;
  summary.bytes += tensor.bytes;
  summary.dtype_bytes[tensor.dtype] += tensor.bytes;
  summary.tensors.push_back(std::move(tensor));
}

void add_adapter(const LoraAdapter& adapter, ModelSummary& summary) {
  for (const LoraAdapter::Pair& pair : adapter.pairs)
    for (const auto& [suffix, tensor] : {std::pair{".lora_A", pair.a}, {".lora_B", pair.b}})
      add({pair.module + suffix, "F32", tensor.sizes().vec(), 0, tensor.nbytes()}, summary);
}

}  // namespace

ModelSummary summarise(const PretrainedModel& model) {
  ModelSummary summary;
  summary.path = model.path.string();
  summary.format = model.format;
  summary.metadata = model.metadata;
  if (model.config.is_object()) {
    const auto type = model.config.find("model_type");
    if (type != model.config.end() && type->is_string())
      summary.model_type = type->get<std::string>();
  }
  if (model.weights != nullptr)
    for (const std::string& name : model.weights->names())
      add({name, model.weights->dtype(name), model.weights->shape(name), 0,
           model.weights->stored_bytes(name)},
          summary);
  if (model.adapter) add_adapter(*model.adapter, summary);
  return summary;
}

}  // namespace pgtrain
