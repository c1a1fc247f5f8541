// A libFuzzer target for safetensors: the input is the file. Whatever opens must be readable in
// full, but for BOOL bytes other than 0 and 1.
#include "core/error.h"
#include "model_files.h"

namespace pgtrain {
namespace {

void read_all(const TensorFile& file) {
  for (const std::string& name : file.names()) {
    try {
      const at::Tensor tensor = file.tensor(name);
      fuzz::require(tensor.nbytes() == file.byte_count(name), "the announced number of bytes");
    } catch (const DataError&) {
      fuzz::require(file.dtype(name) == at::kBool, "only BOOL can be refused");
    }
  }
}

void check(const uint8_t* data, size_t size) {
  try {
    read_all(TensorFile::of(
        FileBytes::from_memory({reinterpret_cast<const char*>(data), size}, "fuzz.safetensors")));
  } catch (const DataError&) {
  }
}

}  // namespace
}  // namespace pgtrain

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pgtrain::check(data, size);
  return 0;
}
