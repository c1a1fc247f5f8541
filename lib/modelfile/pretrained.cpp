#include "modelfile/pretrained.h"

#include <algorithm>
#include <system_error>

#include "core/error.h"
#include "modelfile/gguf_model.h"
#include "text/unicode.h"

namespace pgtrain {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxShownText = 200;

std::string metadata_text(const GgufValue& value) {
  struct Printer {
    std::string operator()(uint64_t number) const { return std::to_string(number); }
    std::string operator()(int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const {
      return fmt::format("{}", static_cast<float>(number));
    }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(const std::string& text) const {
      const bool is_long = text.size() > kMaxShownText;
      return escape_text(text.substr(0, kMaxShownText)) + (is_long ? "..." : "");
    }
    std::string operator()(const GgufArray& array) const {
      return fmt::format("array of {}", array.count);
    }
  };
  return std::visit(Printer{}, value.value);
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool has_model(const fs::path& folder) {
  for (const char* name : {"model.safetensors", "model.safetensors.index.json"})
    if (is_there(folder / name)) return true;
  return false;
}

std::vector<fs::path> gguf_files(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error);
       !error && entry != fs::directory_iterator(); entry.increment(error))
    if (entry->path().extension() == ".gguf") found.push_back(entry->path());
  if (error)
    throw DataError(
        fmt::format("{}: cannot list the folder: {}", folder.string(), error.message()));
  std::sort(found.begin(), found.end());
  return found;
}

PretrainedModel open_peft(const fs::path& folder) {
  PretrainedModel model;
  static_cast<ModelFiles&>(model) = read_tokenizer_files(folder);
  model.format = "peft";
  model.adapter = read_lora_adapter(folder);
  return model;
}

PretrainedModel open_hf(const fs::path& folder) {
  PretrainedModel model;
  static_cast<ModelFiles&>(model) = read_model_files(folder);
  model.format = "hf";
  model.weights = open_hf_weights(folder, model.config);
  return model;
}

PretrainedModel open_folder(const fs::path& folder) {
  if (has_model(folder)) return open_hf(folder);
  if (is_there(folder / "adapter_config.json")) return open_peft(folder);
  const std::vector<fs::path> files = gguf_files(folder);
  if (files.size() == 1) return open_gguf(FileBytes::open(files[0]));
  if (files.size() > 1)
    throw DataError(fmt::format("{}: holds {} GGUF files, {} and others: name one of them",
                                folder.string(), files.size(), files[0].filename().string()));
  return open_hf(folder);
}

}  // namespace

PretrainedModel open_gguf(FileBytes bytes) {
  const auto file = std::make_shared<const GgufFile>(GgufFile::of(std::move(bytes)));
  PretrainedModel model;
  model.format = "gguf";
  model.config = hf_config_of(*file);
  model.generation_config = hf_generation_config_of(*file);
  model.vocabulary = read_gguf_vocabulary(*file);
  model.chat_template = model.vocabulary->chat_template;
  model.weights = make_gguf_weights(file, model.config);
  for (const auto& [key, value] : file->metadata()) model.metadata[key] = metadata_text(value);
  return model;
}

PretrainedModel open_pretrained(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error))
    throw DataError(fmt::format("{}: there is no such file or folder", path.string()));
  PretrainedModel model;
  if (fs::is_directory(path, error)) {
    model = open_folder(path);
  } else if (path.extension() == ".gguf") {
    model = open_gguf(FileBytes::open(path));
  } else {
    throw DataError(fmt::format(
        "{}: a model is a folder with config.json and model.safetensors, or a .gguf file",
        path.string()));
  }
  model.path = path;
  return model;
}

}  // namespace pgtrain
