#include "modelfile/lora_adapter.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "modelfile/json_file.h"
#include "modelfile/staged_folder.h"
#include "modelfile/tensor_header.h"

namespace pgtrain {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

constexpr const char* kConfig = "adapter_config.json";
constexpr const char* kTensors = "adapter_model.safetensors";
constexpr const char* kPrefix = "base_model.model.";
constexpr int64_t kMaxRank = 1 << 16;
constexpr double kMaxAlpha = 1e6;

// Keys that only matter while an adapter is made, or not at all, whatever their value.
const std::set<std::string> kHarmless = {"auto_mapping",
                                         "base_model_name_or_path",
                                         "bias",
                                         "corda_config",
                                         "eva_config",
                                         "fan_in_fan_out",
                                         "inference_mode",
                                         "init_lora_weights",
                                         "layers_pattern",
                                         "loftq_config",
                                         "lora_alpha",
                                         "lora_dropout",
                                         "lora_ga_config",
                                         "megatron_core",
                                         "peft_type",
                                         "peft_version",
                                         "qalora_group_size",
                                         "r",
                                         "revision",
                                         "runtime_config",
                                         "target_modules",
                                         "task_type",
                                         "use_rslora"};

bool is_empty(const Json& value) {
  if (value.is_null()) return true;
  if (value.is_boolean()) return !value.get<bool>();
  return (value.is_object() || value.is_array() || value.is_string()) && value.size() == 0;
}

void refuse_features(const Json& config, const std::string& file) {
  for (const auto& [key, value] : config.items())
    if (kHarmless.count(key) == 0 && !is_empty(value))
      throw DataError(fmt::format(
          "{}: {} is set, but only plain LoRA on linear layers is supported: remove the feature "
          "or merge the adapter with PEFT",
          file, printable(key)));
}

void expect_text(const Json& config, const char* key, const std::string& needed, bool optional,
                 const std::string& file) {
  const std::string value =
      optional ? json_string(config, key, file, needed) : json_string(config, key, file);
  if (value != needed)
    throw DataError(fmt::format("{}: \"{}\" is {}, only \"{}\" is supported", file, key,
                                printable(value), needed));
}

// PiSSA, OLoRA, CorDA and LoftQ subtract their start from the base's weights.
void check_initialisation(const Json& config, const std::string& file) {
  const auto found = config.find("init_lora_weights");
  if (found == config.end() || found->is_boolean() || found->is_null()) return;
  static const std::set<std::string> kKeepBase = {"gaussian", "eva", "orthogonal"};
  if (!found->is_string() || kKeepBase.count(found->get<std::string>()) == 0)
    throw DataError(fmt::format(
        "{}: \"init_lora_weights\" must be true, false or a method that leaves the base model as "
        "it is (gaussian, eva, orthogonal)",
        file));
}

std::vector<std::string> read_target_modules(const Json& config, const std::string& file) {
  const auto found = config.find("target_modules");
  const bool is_list = found != config.end() && found->is_array() && !found->empty() &&
                       std::all_of(found->begin(), found->end(), [](const Json& entry) {
                         return entry.is_string() && !entry.get_ref<const std::string&>().empty();
                       });
  if (!is_list)
    throw DataError(fmt::format(
        "{}: \"target_modules\" must be a list of module names (a text would be a regular "
        "expression, which is not supported)",
        file));
  const auto names = found->get<std::set<std::string>>();
  return {names.begin(), names.end()};
}

LoraAdapter read_config(const Json& config, const std::string& file) {
  expect_text(config, "peft_type", "LORA", false, file);
  expect_text(config, "task_type", "CAUSAL_LM", true, file);
  expect_text(config, "bias", "none", true, file);
  refuse_features(config, file);
  check_initialisation(config, file);
  LoraAdapter adapter;
  if (config.contains("r")) adapter.rank = json_integer(config, "r", file, 1, kMaxRank);
  adapter.alpha = json_number(config, "lora_alpha", file, adapter.alpha);
  if (std::abs(adapter.alpha) > kMaxAlpha)
    throw DataError(
        fmt::format("{}: \"lora_alpha\" must lie in [{}, {}]", file, -kMaxAlpha, kMaxAlpha));
  adapter.use_rslora = json_bool(config, "use_rslora", file, false);
  adapter.fan_in_fan_out = json_bool(config, "fan_in_fan_out", file, false);
  adapter.dropout = json_number(config, "lora_dropout", file, 0);
  if (adapter.dropout < 0 || adapter.dropout >= 1)
    throw DataError(fmt::format("{}: \"lora_dropout\" must lie in [0, 1)", file));
  adapter.target_modules = read_target_modules(config, file);
  adapter.base_model = json_string(config, "base_model_name_or_path", file, "");
  return adapter;
}

bool is_target(const std::string& module, const std::vector<std::string>& targets) {
  return std::any_of(targets.begin(), targets.end(), [&](const std::string& target) {
    if (module == target) return true;
    return module.size() > target.size() &&
           module.compare(module.size() - target.size(), target.size(), target) == 0 &&
           module[module.size() - target.size() - 1] == '.';
  });
}

// "base_model.model.X.lora_A.weight" -> X; "" when it has another form.
std::string module_of(const std::string& name, bool& is_a) {
  const std::string prefix = kPrefix;
  for (const char* suffix : {".lora_A.weight", ".lora_B.weight"}) {
    const std::string end = suffix;
    if (name.size() <= prefix.size() + end.size() || name.compare(0, prefix.size(), prefix) != 0 ||
        name.compare(name.size() - end.size(), end.size(), end) != 0)
      continue;
    is_a = end == ".lora_A.weight";
    return name.substr(prefix.size(), name.size() - prefix.size() - end.size());
  }
  return "";
}

[[noreturn]] void refuse_tensor(const TensorFile& file, const std::string& name,
                                const std::string& problem) {
  throw DataError(fmt::format("{}: tensor {}: {}", file.path().string(), printable(name), problem));
}

// Name, shape and dtype against the config, before anything is read.
std::map<std::string, LoraAdapter::Pair> check_tensors(const TensorFile& file,
                                                       const LoraAdapter& adapter) {
  std::map<std::string, LoraAdapter::Pair> pairs;
  for (const std::string& name : file.names()) {
    bool is_a = false;
    const std::string module = module_of(name, is_a);
    if (module.empty())
      refuse_tensor(file, name,
                    "is not of the form base_model.model.MODULE.lora_A.weight or .lora_B.weight");
    if (!is_target(module, adapter.target_modules))
      refuse_tensor(file, name, "its module is not one of the config's target_modules");
    const auto& shape = file.shape(name);
    const size_t rank_at = is_a ? 0 : 1;
    if (shape.size() != 2 || shape[rank_at] != adapter.rank || shape[1 - rank_at] == 0)
      refuse_tensor(file, name,
                    fmt::format("has the shape {}, needed is {} for r = {}", shape_text(shape),
                                is_a ? "[r, in]" : "[out, r]", adapter.rank));
    if (!at::isFloatingType(file.dtype(name))) refuse_tensor(file, name, "holds no real numbers");
    pairs[module].module = module;
  }
  return pairs;
}

void check_pair(const LoraAdapter& adapter, const LoraAdapter::Pair& pair) {
  PG_CHECK(!pair.module.empty() && pair.a.defined() && pair.b.defined() && pair.a.dim() == 2 &&
               pair.b.dim() == 2 && pair.a.size(0) == adapter.rank &&
               pair.b.size(1) == adapter.rank,
           "the pair of module {} does not fit the rank {}", printable(pair.module), adapter.rank);
  PG_CHECK(is_target(pair.module, adapter.target_modules), "module {} is no target",
           printable(pair.module));
}

}  // namespace

Json to_json(const LoraAdapter& adapter) {
  Json config = {{"peft_type", "LORA"},
                 {"task_type", "CAUSAL_LM"},
                 {"inference_mode", true},
                 {"bias", "none"},
                 {"init_lora_weights", true},
                 {"r", adapter.rank},
                 {"lora_dropout", adapter.dropout},
                 {"use_rslora", adapter.use_rslora},
                 {"fan_in_fan_out", adapter.fan_in_fan_out},
                 {"target_modules", adapter.target_modules}};
  // PEFT declares an integer; a fraction is kept as it is.
  if (adapter.alpha == std::floor(adapter.alpha) && std::abs(adapter.alpha) < 1e9)
    config["lora_alpha"] = static_cast<int64_t>(adapter.alpha);
  else
    config["lora_alpha"] = adapter.alpha;
  config["base_model_name_or_path"] =
      adapter.base_model.empty() ? Json() : Json(adapter.base_model);
  return config;
}

double LoraAdapter::scale() const {
  const auto r = static_cast<double>(rank);
  return alpha / (use_rslora ? std::sqrt(r) : r);
}

LoraAdapter parse_lora_adapter(const Json& config, const std::string& config_name,
                               const TensorFile& tensors) {
  LoraAdapter adapter = read_config(config, config_name);
  auto pairs = check_tensors(tensors, adapter);
  if (pairs.empty()) throw DataError(fmt::format("{}: holds no tensors", tensors.path().string()));
  for (auto& [module, pair] : pairs) {
    const std::string a = kPrefix + module + ".lora_A.weight";
    const std::string b = kPrefix + module + ".lora_B.weight";
    for (const std::string& name : {a, b})
      if (!tensors.has(name)) refuse_tensor(tensors, name, "is missing, its partner is there");
    pair.a = tensors.tensor(a).to(at::kFloat);
    pair.b = tensors.tensor(b).to(at::kFloat);
    adapter.pairs.push_back(std::move(pair));
  }
  return adapter;
}

LoraAdapter read_lora_adapter(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder / kTensors, error) && fs::exists(folder / "adapter_model.bin", error))
    throw DataError(fmt::format(
        "{}: holds the adapter as adapter_model.bin, a Python pickle: reading one runs code that "
        "the file brings along, so it is refused; save it again with PEFT, which writes {}",
        folder.string(), kTensors));
  const Json config = read_json_object(folder / kConfig, kMaxConfigBytes);
  return parse_lora_adapter(config, (folder / kConfig).string(),
                            TensorFile::open(folder / kTensors));
}

void write_lora_adapter(const fs::path& folder, const LoraAdapter& adapter) {
  std::vector<NamedTensor> tensors;
  for (const LoraAdapter::Pair& pair : adapter.pairs) {
    check_pair(adapter, pair);
    tensors.push_back({kPrefix + pair.module + ".lora_A.weight", pair.a});
    tensors.push_back({kPrefix + pair.module + ".lora_B.weight", pair.b});
  }
  StagedFolder staged(folder);
  write_file_atomic(staged.path() / kConfig, to_json(adapter).dump(2) + "\n");
  write_tensor_file(staged.path() / kTensors, tensors, {{"format", "pt"}}, at::kFloat);
  staged.commit();
}

at::Tensor merged(const at::Tensor& weight, const at::Tensor& a, const at::Tensor& b, double scale,
                  bool transposed) {
  const c10::NoGradGuard no_grad;
  PG_CHECK(a.dim() == 2 && b.dim() == 2 && weight.dim() == 2 && a.size(0) == b.size(1) &&
               weight.size(transposed ? 1 : 0) == b.size(0) &&
               weight.size(transposed ? 0 : 1) == a.size(1),
           "weight {}, a {}, b {}", shape_text(weight.sizes().vec()), shape_text(a.sizes().vec()),
           shape_text(b.sizes().vec()));
  const at::ScalarType type = weight.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  // One product with the weight as its start, as the network adds its own adapters: the same bits.
  const at::Tensor sum = transposed
                             ? at::addmm(weight.to(type), a.to(type).t(), b.to(type).t(), 1, scale)
                             : at::addmm(weight.to(type), b.to(type), a.to(type), 1, scale);
  return sum.to(weight.scalar_type());
}

}  // namespace pgtrain
