#include <ATen/ATen.h>

#include <unordered_map>

#include "core/error.h"
#include "modelfile/gguf_model.h"
#include "modelfile/gguf_names.h"
#include "modelfile/tensor_header.h"

namespace pgtrain {
namespace {

class GgufWeights : public WeightSource {
 public:
  GgufWeights(std::shared_ptr<const GgufFile> file, const nlohmann::json& config)
      : file_(std::move(file)) {
    const GgufArchitecture* architecture =
        find_by_model_type(config.at("model_type").get<std::string>());
    PG_CHECK(architecture != nullptr, "model_type {}", config.at("model_type").dump());
    if (!architecture->is_gpt2) {
      heads_ = config.at("num_attention_heads").get<int64_t>();
      kv_heads_ = config.at("num_key_value_heads").get<int64_t>();
    }
    for (const GgufTensor& tensor : file_->tensors())
      if (tensor.name != "rope_freqs.weight") add(tensor, *architecture);
  }

  const std::vector<std::string>& names() const override { return names_; }
  bool has(const std::string& name) const override { return places_.count(name) != 0; }
  const std::vector<int64_t>& shape(const std::string& name) const override {
    return find(name).shape;
  }
  std::string dtype(const std::string& name) const override {
    return find(name).tensor->type->name;
  }
  uint64_t stored_bytes(const std::string& name) const override {
    const GgufTensor& tensor = *find(name).tensor;
    return tensor.end - tensor.begin;
  }

 protected:
  void read(const std::string& name, float* to) const override {
    const Place& place = find(name);
    if (place.layout == GgufLayout::kSame) {
      file_->read(*place.tensor, to);
      return;
    }
    const at::Tensor stored =
        at::empty(place.tensor->shape, at::TensorOptions().dtype(at::kFloat));
    file_->read(*place.tensor, stored.data_ptr<float>());
    at::from_blob(to, place.shape, at::TensorOptions().dtype(at::kFloat))
        .copy_(place.layout == GgufLayout::kTransposed
                   ? stored.t()
                   : from_interleaved_rows(stored, heads_of(place.layout)));
  }
  std::string where(const std::string& name) const override {
    return fmt::format("{}: tensor {}", file_->path(), printable(find(name).tensor->name));
  }

 private:
  struct Place {
    const GgufTensor* tensor;
    GgufLayout layout;
    std::vector<int64_t> shape;  // in the Hugging Face layout
  };

  int64_t heads_of(GgufLayout layout) const {
    return layout == GgufLayout::kQuery ? heads_ : kv_heads_;
  }

  void add(const GgufTensor& tensor, const GgufArchitecture& architecture) {
    const auto refuse = [&](const std::string& problem) {
      throw DataError(
          fmt::format("{}: tensor {}: {}", file_->path(), printable(tensor.name), problem));
    };
    const auto name = hf_name(architecture, tensor.name);
    if (!name)
      refuse(fmt::format("the architecture {} has no such tensor", architecture.name));
    std::vector<int64_t> shape = tensor.shape;
    if (name->layout == GgufLayout::kTransposed) {
      if (shape.size() != 2) refuse(fmt::format("has the shape {}, no matrix", shape_text(shape)));
      std::swap(shape[0], shape[1]);
    } else if (name->layout != GgufLayout::kSame) {
      const int64_t heads = heads_of(name->layout);
      if (shape.empty() || shape.size() > 2 || shape[0] % (2 * heads) != 0)
        refuse(fmt::format("has the shape {}, which does not divide into {} heads of even size",
                           shape_text(shape), heads));
    }
    names_.push_back(name->name);
    places_.emplace(name->name, Place{&tensor, name->layout, std::move(shape)});
  }

  const Place& find(const std::string& name) const {
    const auto found = places_.find(name);
    if (found == places_.end())
      throw DataError(fmt::format("{}: tensor {} is missing", file_->path(), printable(name)));
    return found->second;
  }

  std::shared_ptr<const GgufFile> file_;
  int64_t heads_ = 1;
  int64_t kv_heads_ = 1;
  std::vector<std::string> names_;
  std::unordered_map<std::string, Place> places_;
};

}  // namespace

std::shared_ptr<WeightSource> make_gguf_weights(std::shared_ptr<const GgufFile> file,
                                                const nlohmann::json& config) {
  return std::make_shared<GgufWeights>(std::move(file), config);
}

}  // namespace pgtrain
