// A libFuzzer target for PEFT adapters: two bytes of length and adapter_config.json, then the
// safetensors file. Whatever opens must fit its config.
#include <cmath>

#include "core/error.h"
#include "model_files.h"
#include "modelfile/json_file.h"
#include "modelfile/lora_adapter.h"

namespace pgtrain {
namespace {

void check(const uint8_t* data, size_t size) {
  fuzz::Parts parts(data, size);
  const std::string config = parts.next();
  try {
    const LoraAdapter adapter = parse_lora_adapter(
        parse_json_object(config, "adapter_config.json"), "adapter_config.json",
        TensorFile::of(FileBytes::from_memory(parts.rest(), "adapter_model.safetensors")));
    fuzz::require(std::isfinite(adapter.scale()), "a finite scale");
    fuzz::require(!adapter.pairs.empty(), "pairs");
    for (const LoraAdapter::Pair& pair : adapter.pairs) {
      fuzz::require(pair.a.size(0) == adapter.rank && pair.b.size(1) == adapter.rank, "the rank");
      fuzz::require(pair.a.scalar_type() == at::kFloat, "float32");
    }
  } catch (const DataError&) {
  }
}

}  // namespace
}  // namespace pgtrain

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pgtrain::check(data, size);
  return 0;
}
