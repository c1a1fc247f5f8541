#include "nn/embedding.h"

#include <torch/torch.h>

#include "tensor/gradient_sink.h"

namespace pgtrain {
namespace {

struct Embedding : torch::autograd::Function<Embedding> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& weight,
                            const at::Tensor& ids) {
    context->save_for_backward({weight, ids});
    return weight.index_select(0, ids);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    GradientSink sink(saved[0]);
    sink.add_rows(saved[1], gradients[0]);
    return {sink.result(), {}};
  }
};

}  // namespace

at::Tensor embed(const at::Tensor& table, const at::Tensor& ids) {
  return Embedding::apply(table, ids);
}

}  // namespace pgtrain
