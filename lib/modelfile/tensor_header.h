// The JSON header of a safetensors file: checked reading and deterministic writing. No file access
// here.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pgtrain {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kMaxTensors = 100'000;
constexpr size_t kMaxNameBytes = 1024;
constexpr size_t kMaxDimensions = 8;

// The dtypes that both the format and LibTorch have, in the order in which writers place them.
struct TensorDtype {
  const char* name;
  at::ScalarType type;
  uint64_t bytes;
};
const TensorDtype* find_dtype(const std::string& name);  // nullptr: unknown
const TensorDtype* find_dtype(at::ScalarType type);      // nullptr: not in the format

struct TensorEntry {
  std::string name;
  const TensorDtype* dtype = nullptr;
  std::vector<int64_t> shape;
  uint64_t begin = 0;  // payload bytes [begin, end)
  uint64_t end = 0;
};

struct TensorHeader {
  std::vector<TensorEntry> entries;  // in the order of the payload
  std::map<std::string, std::string> metadata;
};

// Reads and checks a header (see tensor_file.h) for a payload of that many bytes. Throws DataError
// that begins with `file`.
TensorHeader parse_tensor_header(const std::string& text, uint64_t payload_bytes,
                                 const std::string& file);

// The header, padded with spaces to a multiple of 8 bytes. Throws InternalError when a name or a
// metadata text is not UTF-8.
std::string format_tensor_header(const TensorHeader& header);

// elements * bytes of the shape; false when a dimension is negative or when the product of the
// dimensions, zeros counted as ones, does not fit into int64 bytes (LibTorch's strides would
// overflow).
bool byte_size(const std::vector<int64_t>& shape, uint64_t element_bytes, uint64_t& bytes);

// For messages: in quotes, at most 80 bytes, control characters replaced.
std::string printable(const std::string& name);
// "[2, 3]"
std::string shape_text(const std::vector<int64_t>& shape);

}  // namespace pgtrain
