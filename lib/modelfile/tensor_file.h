// Named tensors on disk in the safetensors format (github.com/huggingface/safetensors):
// - 8 bytes: N, the header length, unsigned little-endian, at most 100,000,000;
// - N bytes: UTF-8 JSON object, starting with '{', may end in spaces:
//     "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ...
//     "__metadata__": {"key": "string", ...} (optional)
// - the rest: the tensors' bytes, little-endian, row-major; offsets count from here, leave no gap,
//   do not overlap and end exactly at the end of the file.
// The format has no checksum: a changed payload byte is a changed number. Checkpoints add one
// (manifest.json).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "modelfile/file_bytes.h"

namespace pgtrain {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

// Writes the tensors, durable on return and never half-visible: path + ".tmp" is written, fsynced
// and renamed. The same names and values always give the same bytes, whatever their order (sorted
// by descending alignment, then name: for at most one metadata entry byte for byte what the Python
// package writes). Tensors of dtype F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL on any device and with
// any strides; one CPU copy at a time is made where needed. With float_type, floating-point tensors
// are rounded to it. Throws DiskError; InternalError for empty, repeated, overlong or non-UTF-8
// names, other dtypes, more than 8 dimensions and undefined tensors.
void write_tensor_file(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}},
                       c10::optional<at::ScalarType> float_type = c10::nullopt);

// A safetensors file that has been checked in full; only payload bytes are read later. Copies share
// the file.
class TensorFile {
 public:
  // Checks everything the format promises and, beyond it, that there are at most 100,000 tensors,
  // names of 1 to 1,024 bytes and at most 8 dimensions; allocates no more than the file's length
  // accounts for. Throws DataError that names the file and, where one is at fault, the tensor.
  static TensorFile open(const std::filesystem::path& path);
  // The same for bytes that are held already.
  static TensorFile of(FileBytes bytes);

  // In the order of the payload.
  const std::vector<std::string>& names() const;
  bool has(const std::string& name) const;
  // These five throw DataError when there is no such tensor; the last two also when reading fails.
  const std::vector<int64_t>& shape(const std::string& name) const;
  at::ScalarType dtype(const std::string& name) const;
  uint64_t byte_count(const std::string& name) const;
  // Bytes [first, first + bytes) of the tensor's stored values.
  void copy_bytes(const std::string& name, uint64_t first, uint64_t bytes, void* to) const;
  // A new contiguous CPU tensor with its own memory.
  at::Tensor tensor(const std::string& name) const;
  const std::map<std::string, std::string>& metadata() const;
  const std::filesystem::path& path() const;

 private:
  struct Contents;
  explicit TensorFile(std::shared_ptr<const Contents> contents);
  std::string where(const std::string& name) const;
  std::shared_ptr<const Contents> contents_;
};

// Fills existing tensors of any device and strides in place (outside autograd). The names, shapes
// and dtypes of file and targets must be the same: all differences (missing, unexpected, shape,
// dtype; the first 50 spelt out) are reported in one DataError, before any target is touched. Empty
// or repeated target names: InternalError.
void copy_into(const TensorFile& file, const std::vector<NamedTensor>& targets);

}  // namespace pgtrain
