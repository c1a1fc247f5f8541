#include "nn/language_model.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "nn/rnn_model.h"

namespace pgtrain {

std::unique_ptr<LanguageModel> make_language_model(const ModelOptions& options) {
  return std::make_unique<RnnModel>(options);
}

at::Tensor completion_ids(const std::vector<const Sequence*>& batch) {
  int64_t total = 0;
  for (const Sequence* sequence : batch) total += sequence->completion_length();
  at::Tensor ids = at::empty({total}, at::kLong);
  int64_t* out = ids.data_ptr<int64_t>();
  for (const Sequence* sequence : batch)
    out =
        std::copy(sequence->tokens.begin() + sequence->prompt_length, sequence->tokens.end(), out);
  return ids;
}

}  // namespace pgtrain
