#include "modelfile/safetensors_weights.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <unordered_map>

#include "core/error.h"
#include "modelfile/tensor_header.h"

namespace pgtrain {
namespace {

constexpr uint64_t kChunkElements = uint64_t{1} << 17;

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

struct NameRules {
  explicit NameRules(const nlohmann::json& config) {
    const auto type = config.find("model_type");
    is_gpt2 = type != config.end() && *type == "gpt2";
    const auto tie = config.find("tie_word_embeddings");
    is_tied = tie != config.end() && tie->is_boolean() ? tie->get<bool>() : is_gpt2;
  }

  // The name in memory; "" when the stored tensor is no weight.
  std::string of(const std::string& stored) const {
    if (ends_with(stored, ".rotary_emb.inv_freq")) return "";
    if (is_tied && stored == "lm_head.weight") return "";
    if (!is_gpt2) return stored;
    if (ends_with(stored, ".attn.bias") || ends_with(stored, ".attn.masked_bias")) return "";
    const bool complete = starts_with(stored, "transformer.") || starts_with(stored, "lm_head.");
    return complete ? stored : "transformer." + stored;
  }

  bool is_gpt2 = false;
  bool is_tied = false;
};

class SafetensorsWeights : public WeightSource {
 public:
  SafetensorsWeights(std::vector<TensorFile> files, const nlohmann::json& config)
      : files_(std::move(files)) {
    const NameRules rules(config);
    for (const TensorFile& file : files_) {
      for (const std::string& stored : file.names()) {
        const std::string name = rules.of(stored);
        if (name.empty()) continue;
        if (!places_.emplace(name, Place{&file, stored}).second)
          throw DataError(fmt::format("{}: tensor {}: {} is there already", file.path().string(),
                                      printable(stored), printable(name)));
        names_.push_back(name);
      }
    }
  }

  const std::vector<std::string>& names() const override { return names_; }
  bool has(const std::string& name) const override { return places_.count(name) != 0; }
  const std::vector<int64_t>& shape(const std::string& name) const override {
    const Place& place = find(name);
    return place.file->shape(place.stored);
  }
  std::string dtype(const std::string& name) const override {
    const Place& place = find(name);
    return find_dtype(place.file->dtype(place.stored))->name;
  }
  uint64_t stored_bytes(const std::string& name) const override {
    const Place& place = find(name);
    return place.file->byte_count(place.stored);
  }

 protected:
  void read(const std::string& name, float* to) const override {
    const Place& place = find(name);
    const at::ScalarType type = place.file->dtype(place.stored);
    const uint64_t bytes = place.file->byte_count(place.stored);
    if (type == at::kFloat) {
      place.file->copy_bytes(place.stored, 0, bytes, to);
      return;
    }
    if (type != at::kHalf && type != at::kBFloat16)
      throw DataError(fmt::format("{}: has the dtype {}; weights must be F32, F16 or BF16",
                                  where(name), dtype(name)));
    const uint64_t elements = bytes / 2;
    const at::Tensor chunk = at::empty(
        {static_cast<int64_t>(std::min(elements, kChunkElements))}, at::TensorOptions().dtype(type));
    for (uint64_t first = 0; first < elements; first += kChunkElements) {
      const uint64_t count = std::min(kChunkElements, elements - first);
      place.file->copy_bytes(place.stored, 2 * first, 2 * count, chunk.data_ptr());
      at::from_blob(to + first, {static_cast<int64_t>(count)}, at::TensorOptions().dtype(at::kFloat))
          .copy_(chunk.narrow(0, 0, static_cast<int64_t>(count)));
    }
  }
  std::string where(const std::string& name) const override {
    const Place& place = find(name);
    return fmt::format("{}: tensor {}", place.file->path().string(), printable(place.stored));
  }

 private:
  struct Place {
    const TensorFile* file;
    std::string stored;
  };
  const Place& find(const std::string& name) const {
    const auto found = places_.find(name);
    if (found == places_.end())
      throw DataError(fmt::format(
          "{}: tensor {} is missing",
          files_.empty() ? "no file" : files_.front().path().parent_path().string(),
          printable(name)));
    return found->second;
  }

  std::vector<TensorFile> files_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, Place> places_;
};

}  // namespace

std::shared_ptr<WeightSource> make_safetensors_weights(std::vector<TensorFile> files,
                                                       const nlohmann::json& config) {
  return std::make_shared<SafetensorsWeights>(std::move(files), config);
}

}  // namespace pgtrain
