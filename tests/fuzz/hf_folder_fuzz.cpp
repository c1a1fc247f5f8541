// A libFuzzer target for folders in the Hugging Face layout: config.json,
// model.safetensors.index.json and tokenizer_config.json, each after two bytes of length, then the
// file a.safetensors. Without an index the last is model.safetensors. The folder lies in memory
// (/dev/shm).
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "model_files.h"
#include "modelfile/model_summary.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() : path_(fs::path("/dev/shm") / ("pgtrain-fuzz-" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const fs::path& path() const { return path_; }
  void put(const char* name, const std::string& bytes) const {
    if (bytes.empty()) {
      fs::remove(path_ / name);
    } else {
      std::ofstream(path_ / name, std::ios::binary) << bytes;
    }
  }

 private:
  fs::path path_;
};

void check(const uint8_t* data, size_t size) {
  static const Folder folder;
  fuzz::Parts parts(data, size);
  folder.put("config.json", parts.next());
  const std::string index = parts.next();
  folder.put("model.safetensors.index.json", index);
  folder.put("tokenizer_config.json", parts.next());
  folder.put("a.safetensors", index.empty() ? "" : parts.rest());
  folder.put("model.safetensors", index.empty() ? parts.rest() : "");
  try {
    const PretrainedModel model = open_pretrained(folder.path());
    static_cast<void>(summarise(model));
    fuzz::read_all(*model.weights);
  } catch (const DataError&) {
  }
}

}  // namespace
}  // namespace pgtrain

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pgtrain::check(data, size);
  return 0;
}
