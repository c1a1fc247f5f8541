#include "modelfile/hf_folder.h"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <unordered_map>

#include "core/error.h"
#include "core/files.h"
#include "modelfile/json_file.h"
#include "modelfile/safetensors_weights.h"
#include "modelfile/staged_folder.h"
#include "modelfile/tensor_header.h"

namespace pgtrain {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

constexpr const char* kWeights = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr uint64_t kMaxIndexBytes = uint64_t{64} << 20;
constexpr uint64_t kMaxTemplateBytes = uint64_t{1} << 20;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

Json read_optional(const fs::path& path, uint64_t max_bytes) {
  return is_there(path) ? read_json_object(path, max_bytes) : Json();
}

std::string template_of(const Json& tokenizer_config, const std::string& file) {
  if (!tokenizer_config.is_object()) return "";
  const auto found = tokenizer_config.find("chat_template");
  if (found == tokenizer_config.end() || found->is_null()) return "";
  if (found->is_string()) return found->get<std::string>();
  if (found->is_array()) {
    for (const Json& entry : *found)
      if (entry.is_object() && json_string(entry, "name", file, "") == "default")
        return json_string(entry, "template", file);
    return "";
  }
  throw DataError(fmt::format(
      "{}: \"chat_template\" must be a text or a list of objects with \"name\" and \"template\"",
      file));
}

void add_tokenizer_files(const fs::path& folder, ModelFiles& files) {
  files.tokenizer = read_optional(folder / "tokenizer.json", kMaxTokenizerBytes);
  files.tokenizer_config = read_optional(folder / "tokenizer_config.json", kMaxConfigBytes);
  if (files.tokenizer.is_null() && is_there(folder / "tokenizer.model"))
    files.tokenizer_model = read_plain_file(folder / "tokenizer.model", kMaxTokenizerBytes);
  const fs::path chat_template = folder / "chat_template.jinja";
  files.chat_template =
      is_there(chat_template)
          ? read_plain_file(chat_template, kMaxTemplateBytes)
          : template_of(files.tokenizer_config, (folder / "tokenizer_config.json").string());
}

// A shard name is a file of the folder, never a way out of it.
void check_shard_name(const std::string& name, const std::string& index) {
  const bool plain = !name.empty() && name.size() <= 255 && name[0] != '.' &&
                     name.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
  const std::string suffix = ".safetensors";
  if (!plain || name.size() <= suffix.size() ||
      name.compare(name.size() - suffix.size(), suffix.size(), suffix) != 0)
    throw DataError(fmt::format(
        "{}: the shard {} must be the name of a .safetensors file in the same folder", index,
        printable(name)));
}

TensorFile open_weight_file(const fs::path& folder, const std::string& name) {
  const fs::path path = folder / name;
  std::error_code error;
  if (fs::is_symlink(path, error)) {
    // The hub's cache: snapshots/REVISION/model.safetensors -> ../../blobs/DIGEST.
    const fs::path home = fs::weakly_canonical(folder, error);
    const fs::path target = fs::weakly_canonical(path, error).parent_path();
    const bool in_cache = home.parent_path().filename() == "snapshots" &&
                          target == home.parent_path().parent_path() / "blobs";
    if (error || (target != home && !in_cache))
      throw DataError(fmt::format("{}: is a link out of the folder", path.string()));
  }
  return TensorFile::open(path);
}

using WeightMap = std::map<std::string, std::set<std::string>>;  // shard -> tensors

WeightMap read_weight_map(const Json& index, const std::string& file) {
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object() || map->empty())
    throw DataError(
        fmt::format("{}: \"weight_map\" must be an object {{tensor: shard}} with entries", file));
  WeightMap shards;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string())
      throw DataError(fmt::format("{}: the shard of tensor {} must be a text", file,
                                  printable(tensor)));
    shards[shard.get<std::string>()].insert(tensor);
  }
  for (const auto& entry : shards) check_shard_name(entry.first, file);
  return shards;
}

void check_shard(const TensorFile& shard, const std::set<std::string>& expected,
                 const std::string& index) {
  for (const std::string& name : shard.names())
    if (expected.count(name) == 0)
      throw DataError(fmt::format("{}: tensor {}: {} does not list it for this shard",
                                  shard.path().string(), printable(name), index));
  for (const std::string& name : expected)
    if (!shard.has(name))
      throw DataError(fmt::format("{}: tensor {} is missing, {} lists it", shard.path().string(),
                                  printable(name), index));
}

// Published totals follow the dtype of another copy of the model at times, so only the magnitude is
// held against the shards.
void check_total_size(const Json& index, uint64_t stored, const std::string& file) {
  const auto metadata = index.find("metadata");
  if (metadata == index.end() || !metadata->is_object() || !metadata->contains("total_size"))
    return;
  const double total = json_number(*metadata, "total_size", file);
  const auto bytes = static_cast<double>(stored);
  if (total < bytes / 4 || total > bytes * 4)
    throw DataError(fmt::format(
        "{}: \"total_size\" is {:.0f}, the shards hold {} bytes: one of them is not whole", file,
        total, stored));
}

std::vector<TensorFile> open_shards(const fs::path& folder) {
  const std::string file = (folder / kIndex).string();
  const Json index = read_json_object(folder / kIndex, kMaxIndexBytes);
  std::vector<TensorFile> shards;
  uint64_t stored = 0;
  for (const auto& [name, tensors] : read_weight_map(index, file)) {
    shards.push_back(open_weight_file(folder, name));
    check_shard(shards.back(), tensors, file);
    for (const std::string& tensor : tensors) stored += shards.back().byte_count(tensor);
  }
  check_total_size(index, stored, file);
  return shards;
}

[[noreturn]] void refuse_missing_weights(const fs::path& folder) {
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json"})
    if (is_there(folder / name))
      throw DataError(fmt::format(
          "{}: holds the weights as {}, a Python pickle: reading one runs code that the file "
          "brings along, so it is refused; convert the model with transformers "
          "(model.save_pretrained(folder) writes model.safetensors)",
          folder.string(), name));
  throw DataError(
      fmt::format("{}: has neither {} nor {}", folder.string(), kWeights, kIndex));
}

void write_json(const fs::path& path, const Json& json) {
  if (json.is_null()) return;
  try {
    write_file_atomic(path, json.dump(2) + "\n");
  } catch (const Json::exception& e) {
    throw InternalError(fmt::format("{}: {}", path.string(), e.what()));
  }
}

// Consecutive runs of at most max_bytes each.
std::vector<std::vector<NamedTensor>> cut_into_shards(const std::vector<NamedTensor>& tensors,
                                                      uint64_t element_bytes, uint64_t max_bytes,
                                                      uint64_t& total) {
  std::vector<std::vector<NamedTensor>> shards(1);
  uint64_t used = 0;
  total = 0;
  for (const NamedTensor& named : tensors) {
    PG_CHECK(named.tensor.defined() && at::isFloatingType(named.tensor.scalar_type()),
             "tensor {} is no floating-point tensor", printable(named.name));
    const uint64_t bytes = static_cast<uint64_t>(named.tensor.numel()) * element_bytes;
    if (!shards.back().empty() && used + bytes > max_bytes) {
      shards.emplace_back();
      used = 0;
    }
    shards.back().push_back(named);
    used += bytes;
    total += bytes;
  }
  return shards;
}

void write_weights(const fs::path& folder, const std::vector<NamedTensor>& tensors,
                   const HfWriteOptions& options) {
  const std::map<std::string, std::string> metadata = {{"format", "pt"}};
  uint64_t total = 0;
  const auto shards = cut_into_shards(tensors, find_dtype(options.dtype)->bytes,
                                      options.max_shard_bytes, total);
  if (shards.size() == 1) {
    write_tensor_file(folder / kWeights, tensors, metadata, options.dtype);
    return;
  }
  Json weight_map = Json::object();
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string name =
        fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
    write_tensor_file(folder / name, shards[i], metadata, options.dtype);
    for (const NamedTensor& named : shards[i]) weight_map[named.name] = name;
  }
  write_json(folder / kIndex,
             {{"metadata", {{"total_size", total}}}, {"weight_map", std::move(weight_map)}});
}

}  // namespace

void write_model_files(const fs::path& folder, const ModelFiles& files, at::ScalarType dtype) {
  Json config = files.config;
  PG_CHECK(config.is_object(), "config.json is {}", config.type_name());
  config.erase("dtype");
  config["torch_dtype"] = dtype == at::kFloat  ? "float32"
                          : dtype == at::kHalf ? "float16"
                                               : "bfloat16";
  write_json(folder / "config.json", config);
  write_json(folder / "generation_config.json", files.generation_config);
  write_json(folder / "tokenizer.json", files.tokenizer);
  write_json(folder / "tokenizer_config.json", files.tokenizer_config);
  if (!files.tokenizer_model.empty())
    write_file_atomic(folder / "tokenizer.model", files.tokenizer_model);
  if (!files.chat_template.empty())
    write_file_atomic(folder / "chat_template.jinja", files.chat_template);
}

ModelFiles read_model_files(const fs::path& folder) {
  ModelFiles files;
  if (!is_there(folder / "config.json"))
    throw DataError(
        fmt::format("{}: has no config.json, which a model folder needs", folder.string()));
  files.config = read_json_object(folder / "config.json", kMaxConfigBytes);
  files.generation_config = read_optional(folder / "generation_config.json", kMaxConfigBytes);
  add_tokenizer_files(folder, files);
  return files;
}

ModelFiles read_tokenizer_files(const fs::path& folder) {
  ModelFiles files;
  files.config = read_optional(folder / "config.json", kMaxConfigBytes);
  add_tokenizer_files(folder, files);
  return files;
}

std::shared_ptr<WeightSource> open_hf_weights(const fs::path& folder, const Json& config) {
  if (is_there(folder / kWeights))
    return make_safetensors_weights({open_weight_file(folder, kWeights)}, config);
  if (is_there(folder / kIndex)) return make_safetensors_weights(open_shards(folder), config);
  refuse_missing_weights(folder);
}

void write_hf_folder(const fs::path& folder, const ModelFiles& files,
                     const std::vector<NamedTensor>& tensors, const HfWriteOptions& options) {
  PG_CHECK(options.dtype == at::kFloat || options.dtype == at::kHalf ||
               options.dtype == at::kBFloat16,
           "weights of type {}", c10::toString(options.dtype));
  StagedFolder staged(folder);
  write_model_files(staged.path(), files, options.dtype);
  write_weights(staged.path(), tensors, options);
  staged.commit();
}

}  // namespace pgtrain
