#include "train/embedder.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "modelfile/tensor_file.h"

namespace pgtrain {
namespace {

constexpr const char* kFile = "reward_embedding.safetensors";
constexpr const char* kTensor = "embedding";

}  // namespace

void Embedder::freeze(const Policy& policy) {
  table_ = policy.model().embedding_weight().detach().clone();
}

void Embedder::write(const std::filesystem::path& folder) const {
  write_tensor_file(folder / kFile, {{kTensor, table_}});
}

void Embedder::read(const std::filesystem::path& folder, const Policy& policy) {
  at::Tensor table = at::empty_like(policy.model().embedding_weight().detach());
  copy_into(TensorFile::open(folder / kFile), {{kTensor, table}});
  table_ = table;
}

bool Embedder::is_in(const std::filesystem::path& folder) {
  return std::filesystem::exists(folder / kFile);
}

std::vector<float> Embedder::embed(const Tokenizer& tokenizer, std::string_view text) const {
  PG_CHECK(is_set(), "no embeddings yet");
  const std::vector<int64_t> ids = tokenizer.encode(text);
  const int64_t size = table_.size(1);
  std::vector<float> mean(static_cast<size_t>(size), 0.0F);
  const float* table = table_.data_ptr<float>();
  for (const int64_t id : ids)
    for (int64_t i = 0; i < size; ++i) mean[static_cast<size_t>(i)] += table[id * size + i];
  for (float& value : mean) value /= static_cast<float>(std::max<size_t>(1, ids.size()));
  return mean;
}

}  // namespace pgtrain
