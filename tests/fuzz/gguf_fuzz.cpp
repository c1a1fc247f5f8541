// A libFuzzer target for GGUF: the input is the file. Whatever opens must be readable in full.
#include "core/error.h"
#include "model_files.h"
#include "modelfile/model_summary.h"

namespace pgtrain {
namespace {

void check(const uint8_t* data, size_t size) {
  try {
    const PretrainedModel model =
        open_gguf(FileBytes::from_memory({reinterpret_cast<const char*>(data), size}, "fuzz.gguf"));
    fuzz::require(model.vocabulary->tokens.size() == model.config["vocab_size"].get<size_t>(),
                  "a token for each embedding");
    static_cast<void>(summarise(model));
    static_cast<void>(model.config.dump());
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
