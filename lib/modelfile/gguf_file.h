// The GGUF container (versions 2 and 3, little-endian): metadata and tensors, checked in full.
//
//   "GGUF", u32 version, u64 tensor count, u64 metadata count
//   metadata: text key, u32 type, value     text: u64 length, bytes; array: u32 type, u64 count,
//   values tensors:  text name, u32 n_dims, u64 sizes (fastest first), u32 ggml type, u64 offset
//   padding to general.alignment (32), then the data section, where the offsets count from
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "modelfile/file_bytes.h"
#include "modelfile/ggml_types.h"

namespace pgtrain {

enum class GgufType : uint32_t {
  kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kText, kArray, kU64, kI64, kF64
};

// The elements as they lie in the file. Arrays of arrays are checked and counted, not kept.
struct GgufArray {
  GgufType type = GgufType::kU8;
  uint64_t count = 0;
  std::string packed;
};

struct GgufValue {
  GgufType type = GgufType::kU8;
  // Unsigned types, signed types, f32 and f64, bool, text, array.
  std::variant<uint64_t, int64_t, double, bool, std::string, GgufArray> value;
};

struct GgufTensor {
  std::string name;
  const GgmlType* type = nullptr;
  std::vector<int64_t> shape;  // slowest first, as in LibTorch
  uint64_t begin = 0;          // bytes of the file [begin, end)
  uint64_t end = 0;
};

// A checked file. Beyond what the format demands: at most 100,000 tensors with names of at most 64
// bytes, at most 4 dimensions, none of them 0; no key and no tensor twice; tensors do not overlap;
// arrays nest at most 4 deep. No allocation is larger than the file.
class GgufFile {
 public:
  // Throws DataError that names the file and the key or tensor at fault.
  static GgufFile open(const std::filesystem::path& path);
  static GgufFile of(FileBytes bytes);

  const std::string& path() const { return bytes_.path(); }
  uint32_t version() const { return version_; }
  const std::map<std::string, GgufValue>& metadata() const { return metadata_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  const GgufTensor* find_tensor(const std::string& name) const;  // nullptr: none

  // Typed metadata. nullopt when the key is absent; DataError when it has another type or is out
  // of range.
  std::optional<int64_t> integer(const std::string& key, int64_t lowest, int64_t highest) const;
  std::optional<double> number(const std::string& key) const;  // also of an integer; finite
  std::optional<bool> boolean(const std::string& key) const;
  std::optional<std::string> text(const std::string& key) const;  // valid UTF-8
  std::vector<std::string> texts(const std::string& key) const;   // empty when absent
  std::vector<float> floats(const std::string& key) const;
  std::vector<int32_t> integers(const std::string& key) const;
  uint64_t array_size(const std::string& key) const;  // 0 when absent or no array

  // The tensor's values as float32, in row-major order.
  void read(const GgufTensor& tensor, float* to) const;

 private:
  explicit GgufFile(FileBytes bytes) : bytes_(std::move(bytes)) {}
  const GgufValue* find(const std::string& key) const;
  const GgufArray* find_array(const std::string& key, GgufType type, const char* needed) const;
  [[noreturn]] void refuse(const std::string& key, const std::string& needed) const;

  FileBytes bytes_;
  uint32_t version_ = 0;
  std::map<std::string, GgufValue> metadata_;
  std::vector<GgufTensor> tensors_;
  std::unordered_map<std::string, size_t> by_name_;
};

}  // namespace pgtrain
