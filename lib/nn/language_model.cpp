#include "nn/language_model.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "nn/rnn_model.h"
#include "nn/transformer_model.h"

namespace pgtrain {

bool Sequence::has_prompt_of(const Sequence& other) const {
  return prompt_length == other.prompt_length &&
         std::equal(tokens.begin(), tokens.begin() + prompt_length, other.tokens.begin());
}

std::unique_ptr<LanguageModel> make_language_model(const ModelOptions& options) {
  if (options.is_transformer()) return std::make_unique<TransformerModel>(options);
  PG_CHECK(options.is_recurrent(), "a model of kind '{}' cannot be made from options alone",
           options.kind);
  return std::make_unique<RnnModel>(options);
}

void LanguageModel::share_frozen(LanguageModel& other) {
  const auto mine = frozen_parameters();
  const auto theirs = other.frozen_parameters();
  PG_CHECK(mine.size() == theirs.size(), "{} frozen tensors, the other model has {}", mine.size(),
           theirs.size());
  for (size_t i = 0; i < mine.size(); ++i) {
    PG_CHECK(mine[i].name == theirs[i].name && mine[i].tensor->sizes() == theirs[i].tensor->sizes(),
             "frozen tensor {} does not match {}", mine[i].name, theirs[i].name);
    *mine[i].tensor = theirs[i].tensor->detach();
  }
}

std::vector<LanguageModel::NamedWeight> LanguageModel::merged_weights() {
  std::vector<NamedWeight> result;
  for (const Parameter& parameter : parameters())
    result.push_back({parameter.name, parameter.tensor->detach()});
  return result;
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
