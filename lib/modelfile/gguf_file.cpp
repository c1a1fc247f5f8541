#include "modelfile/gguf_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

#include "core/error.h"
#include "modelfile/tensor_header.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied as they lie");

constexpr uint64_t kMaxKeyBytes = 65535;
constexpr uint64_t kMaxTensorNameBytes = 64;
constexpr uint32_t kMaxTensorDimensions = 4;
constexpr int kMaxArrayDepth = 4;
constexpr uint64_t kMaxAlignment = uint64_t{1} << 20;
constexpr uint64_t kDefaultAlignment = 32;
constexpr uint64_t kChunkBytes = uint64_t{1} << 18;

// 0 for texts and arrays, whose size depends on their content.
uint64_t size_of(GgufType type) {
  constexpr std::array<uint64_t, 13> kSizes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return kSizes[static_cast<size_t>(type)];
}

// Reads the header from front to back through a window of the file.
class Cursor {
 public:
  explicit Cursor(const FileBytes& bytes) : bytes_(bytes) {}

  uint64_t position() const { return position_; }
  uint64_t left() const { return bytes_.size() - position_; }
  // What is being read, for messages.
  void set_place(const std::string& place) { place_ = place; }
  std::string where() const {
    return place_.empty() ? bytes_.path() : bytes_.path() + ": " + place_;
  }
  [[noreturn]] void fail(const std::string& problem) const {
    throw DataError(where() + ": " + problem);
  }

  template <class T>
  T number() {
    T value{};
    take(&value, sizeof value);
    return value;
  }

  std::string raw(uint64_t bytes) {
    if (bytes > left())
      fail(fmt::format("{} bytes are announced, the file has {} more (cut short?)", bytes, left()));
    std::string text(bytes, '\0');
    take(text.data(), bytes);
    return text;
  }

  std::string text(uint64_t longest) {
    const auto length = number<uint64_t>();
    if (length > longest)
      fail(fmt::format("a text of {} bytes, at most {} are allowed here", length, longest));
    return raw(length);
  }

  GgufType type() {
    const auto type = number<uint32_t>();
    if (type > static_cast<uint32_t>(GgufType::kF64)) fail(fmt::format("unknown type {}", type));
    return static_cast<GgufType>(type);
  }

 private:
  void take(void* to, uint64_t bytes) {
    if (bytes > left()) fail(fmt::format("the file ends at byte {} (cut short?)", bytes_.size()));
    if (bytes > window_.size()) {
      bytes_.copy(to, position_, bytes, where());
      position_ += bytes;
      return;
    }
    if (position_ < window_begin_ || position_ + bytes > window_end_) {
      window_begin_ = position_;
      window_end_ = position_ + std::min<uint64_t>(window_.size(), left());
      bytes_.copy(window_.data(), window_begin_, window_end_ - window_begin_, where());
    }
    std::memcpy(to, window_.data() + (position_ - window_begin_), bytes);
    position_ += bytes;
  }

  const FileBytes& bytes_;
  std::string place_;
  uint64_t position_ = 0;
  std::array<char, 16384> window_;
  uint64_t window_begin_ = 0;
  uint64_t window_end_ = 0;
};

bool read_bool(Cursor& cursor) {
  const auto value = cursor.number<uint8_t>();
  if (value > 1) cursor.fail(fmt::format("the truth value {}, it must be 0 or 1", value));
  return value == 1;
}

// Texts of an array: length and bytes one after the other, appended to `packed`.
void read_texts(Cursor& cursor, uint64_t count, std::string& packed) {
  for (uint64_t i = 0; i < count; ++i) {
    const auto length = cursor.number<uint64_t>();
    packed.append(reinterpret_cast<const char*>(&length), sizeof length);
    packed += cursor.raw(length);
  }
}

GgufArray read_array(Cursor& cursor, int depth) {
  if (depth > kMaxArrayDepth)
    cursor.fail(fmt::format("arrays nest more than {} deep", kMaxArrayDepth));
  GgufArray array;
  array.type = cursor.type();
  array.count = cursor.number<uint64_t>();
  const bool nested = array.type == GgufType::kArray;
  const uint64_t least = nested ? 12 : array.type == GgufType::kText ? 8 : size_of(array.type);
  if (array.count > cursor.left() / least)
    cursor.fail(fmt::format("an array of {} elements is announced, the file has {} more bytes",
                            array.count, cursor.left()));
  if (nested) {
    for (uint64_t i = 0; i < array.count; ++i) read_array(cursor, depth + 1);
  } else if (array.type == GgufType::kText) {
    read_texts(cursor, array.count, array.packed);
  } else {
    array.packed = cursor.raw(array.count * least);
    if (array.type == GgufType::kBool && std::any_of(array.packed.begin(), array.packed.end(),
                                                     [](char c) { return c != 0 && c != 1; }))
      cursor.fail("a truth value that is neither 0 nor 1");
  }
  return array;
}

GgufValue read_value(Cursor& cursor) {
  GgufValue result;
  result.type = cursor.type();
  auto& value = result.value;
  switch (result.type) {
    case GgufType::kU8:
      value = uint64_t{cursor.number<uint8_t>()};
      break;
    case GgufType::kI8:
      value = int64_t{cursor.number<int8_t>()};
      break;
    case GgufType::kU16:
      value = uint64_t{cursor.number<uint16_t>()};
      break;
    case GgufType::kI16:
      value = int64_t{cursor.number<int16_t>()};
      break;
    case GgufType::kU32:
      value = uint64_t{cursor.number<uint32_t>()};
      break;
    case GgufType::kI32:
      value = int64_t{cursor.number<int32_t>()};
      break;
    case GgufType::kU64:
      value = cursor.number<uint64_t>();
      break;
    case GgufType::kI64:
      value = cursor.number<int64_t>();
      break;
    case GgufType::kF32:
      value = double{cursor.number<float>()};
      break;
    case GgufType::kF64:
      value = cursor.number<double>();
      break;
    case GgufType::kBool:
      value = read_bool(cursor);
      break;
    case GgufType::kText:
      value = cursor.raw(cursor.number<uint64_t>());
      break;
    case GgufType::kArray:
      value = read_array(cursor, 1);
      break;
  }
  return result;
}

std::map<std::string, GgufValue> read_metadata(Cursor& cursor, uint64_t count) {
  std::map<std::string, GgufValue> metadata;
  for (uint64_t i = 0; i < count; ++i) {
    cursor.set_place(fmt::format("metadata entry {} of {}", i + 1, count));
    const std::string key = cursor.text(kMaxKeyBytes);
    if (key.empty()) cursor.fail("an empty key");
    cursor.set_place("key " + printable(key));
    if (metadata.count(key) != 0) cursor.fail("stands there twice");
    metadata.emplace(key, read_value(cursor));
  }
  cursor.set_place("");
  return metadata;
}

const GgmlType* read_tensor_type(Cursor& cursor) {
  const auto id = cursor.number<uint32_t>();
  const GgmlType* type = find_ggml_type(id);
  if (type == nullptr) {
    const std::string name = ggml_type_name(id);
    cursor.fail(fmt::format("the type {} ({}) cannot be read; known are {}",
                            name.empty() ? "unknown" : name, id, readable_ggml_types()));
  }
  return type;
}

// sizes: fastest first. Bytes of the tensor.
uint64_t tensor_bytes(const Cursor& cursor, const GgmlType& type,
                      const std::vector<int64_t>& sizes) {
  constexpr auto kLimit = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  uint64_t elements = 1;
  for (const int64_t size : sizes) {
    if (elements > kLimit / 4 / static_cast<uint64_t>(size)) cursor.fail("its sizes are too large");
    elements *= static_cast<uint64_t>(size);
  }
  const uint64_t row = sizes.empty() ? 1 : static_cast<uint64_t>(sizes[0]);
  if (row % type.block_elements != 0)
    cursor.fail(fmt::format("rows of {} values are no multiple of the {} of a {} block", row,
                            type.block_elements, type.name));
  return elements / type.block_elements * type.block_bytes;
}

// begin and end count from the data section.
GgufTensor read_tensor(Cursor& cursor, uint64_t alignment) {
  GgufTensor tensor;
  tensor.name = cursor.text(kMaxTensorNameBytes);
  cursor.set_place("tensor " + printable(tensor.name));
  if (tensor.name.empty()) cursor.fail("the name is empty");
  const auto dimensions = cursor.number<uint32_t>();
  if (dimensions > kMaxTensorDimensions)
    cursor.fail(
        fmt::format("{} dimensions, at most {} are allowed", dimensions, kMaxTensorDimensions));
  std::vector<int64_t> sizes;
  for (uint32_t i = 0; i < dimensions; ++i) {
    const auto size = cursor.number<uint64_t>();
    if (size == 0 || size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      cursor.fail(fmt::format("dimension {} has the size {}", i, size));
    sizes.push_back(static_cast<int64_t>(size));
  }
  tensor.type = read_tensor_type(cursor);
  const uint64_t bytes = tensor_bytes(cursor, *tensor.type, sizes);
  tensor.begin = cursor.number<uint64_t>();
  if (tensor.begin % alignment != 0)
    cursor.fail(
        fmt::format("begins at byte {} of the data, no multiple of {}", tensor.begin, alignment));
  if (tensor.begin > std::numeric_limits<uint64_t>::max() - bytes)
    cursor.fail(fmt::format("begins at byte {} of the data", tensor.begin));
  tensor.end = tensor.begin + bytes;
  tensor.shape.assign(sizes.rbegin(), sizes.rend());
  return tensor;
}

void check_places(const std::vector<GgufTensor>& tensors, uint64_t data_bytes,
                  const std::string& file) {
  std::vector<const GgufTensor*> order;
  for (const GgufTensor& tensor : tensors) {
    if (tensor.end > data_bytes)
      throw DataError(
          fmt::format("{}: tensor {}: ends at byte {} of the data, which has {} (cut short?)", file,
                      printable(tensor.name), tensor.end, data_bytes));
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(),
            [](const GgufTensor* a, const GgufTensor* b) { return a->begin < b->begin; });
  for (size_t i = 1; i < order.size(); ++i)
    if (order[i]->begin < order[i - 1]->end)
      throw DataError(fmt::format("{}: the tensors {} and {} overlap", file,
                                  printable(order[i - 1]->name), printable(order[i]->name)));
}

uint32_t read_version(Cursor& cursor) {
  if (cursor.left() < 4 || cursor.number<uint32_t>() != 0x46554747)
    cursor.fail("is not a GGUF file (it does not begin with \"GGUF\")");
  const auto version = cursor.number<uint32_t>();
  if (version == 0x02000000 || version == 0x03000000)
    cursor.fail("is a big-endian GGUF file; only little-endian ones can be read");
  if (version != 2 && version != 3)
    cursor.fail(fmt::format("has GGUF version {}; 2 and 3 can be read", version));
  return version;
}

}  // namespace

GgufFile GgufFile::open(const std::filesystem::path& path) { return of(FileBytes::open(path)); }

GgufFile GgufFile::of(FileBytes bytes) {
  GgufFile file(std::move(bytes));
  Cursor cursor(file.bytes_);
  file.version_ = read_version(cursor);
  const auto tensor_count = cursor.number<uint64_t>();
  const auto metadata_count = cursor.number<uint64_t>();
  if (tensor_count > kMaxTensors)
    cursor.fail(
        fmt::format("{} tensors are announced, at most {} are allowed", tensor_count, kMaxTensors));
  file.metadata_ = read_metadata(cursor, metadata_count);
  const auto alignment = static_cast<uint64_t>(
      file.integer("general.alignment", 1, static_cast<int64_t>(kMaxAlignment))
          .value_or(static_cast<int64_t>(kDefaultAlignment)));
  if ((alignment & (alignment - 1)) != 0) file.refuse("general.alignment", "a power of two");
  for (uint64_t i = 0; i < tensor_count; ++i) {
    cursor.set_place(fmt::format("tensor {} of {}", i + 1, tensor_count));
    GgufTensor tensor = read_tensor(cursor, alignment);
    if (!file.by_name_.emplace(tensor.name, file.tensors_.size()).second)
      cursor.fail("stands there twice");
    file.tensors_.push_back(std::move(tensor));
  }
  const uint64_t data = (cursor.position() + alignment - 1) / alignment * alignment;
  check_places(file.tensors_, file.bytes_.size() - std::min(data, file.bytes_.size()), file.path());
  for (GgufTensor& tensor : file.tensors_) {
    tensor.begin += data;
    tensor.end += data;
  }
  return file;
}

const GgufTensor* GgufFile::find_tensor(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

const GgufValue* GgufFile::find(const std::string& key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? nullptr : &found->second;
}

void GgufFile::refuse(const std::string& key, const std::string& needed) const {
  throw DataError(fmt::format("{}: key {} must be {}", path(), printable(key), needed));
}

std::optional<int64_t> GgufFile::integer(const std::string& key, int64_t lowest,
                                         int64_t highest) const {
  const GgufValue* found = find(key);
  if (found == nullptr) return std::nullopt;
  const std::string needed = fmt::format("an integer from {} to {}", lowest, highest);
  int64_t value = 0;
  if (const auto* number = std::get_if<uint64_t>(&found->value)) {
    if (*number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) refuse(key, needed);
    value = static_cast<int64_t>(*number);
  } else if (const auto* signed_number = std::get_if<int64_t>(&found->value)) {
    value = *signed_number;
  } else {
    refuse(key, needed);
  }
  if (value < lowest || value > highest) refuse(key, fmt::format("{}; it is {}", needed, value));
  return value;
}

std::optional<double> GgufFile::number(const std::string& key) const {
  const GgufValue* found = find(key);
  if (found == nullptr) return std::nullopt;
  double value = std::numeric_limits<double>::quiet_NaN();
  if (const auto* real = std::get_if<double>(&found->value)) value = *real;
  if (const auto* integer = std::get_if<uint64_t>(&found->value))
    value = static_cast<double>(*integer);
  if (const auto* integer = std::get_if<int64_t>(&found->value))
    value = static_cast<double>(*integer);
  if (!std::isfinite(value)) refuse(key, "a finite number");
  // A float32 such as 1e-5 is meant as its shortest decimal form, not as 9.999999747378752e-06.
  return found->type == GgufType::kF32
             ? std::strtod(fmt::format("{}", static_cast<float>(value)).c_str(), nullptr)
             : value;
}

std::optional<bool> GgufFile::boolean(const std::string& key) const {
  const GgufValue* found = find(key);
  if (found == nullptr) return std::nullopt;
  if (!std::holds_alternative<bool>(found->value)) refuse(key, "a truth value");
  return std::get<bool>(found->value);
}

std::optional<std::string> GgufFile::text(const std::string& key) const {
  const GgufValue* found = find(key);
  if (found == nullptr) return std::nullopt;
  const auto* text = std::get_if<std::string>(&found->value);
  if (text == nullptr || find_invalid_utf8(*text) != std::string::npos)
    refuse(key, "a text in UTF-8");
  return *text;
}

const GgufArray* GgufFile::find_array(const std::string& key, GgufType type,
                                      const char* needed) const {
  const GgufValue* found = find(key);
  if (found == nullptr) return nullptr;
  const auto* array = std::get_if<GgufArray>(&found->value);
  if (array == nullptr || (array->type != type && array->count > 0)) refuse(key, needed);
  return array;
}

std::vector<std::string> GgufFile::texts(const std::string& key) const {
  const GgufArray* array = find_array(key, GgufType::kText, "an array of texts");
  std::vector<std::string> result;
  if (array == nullptr) return result;
  result.reserve(array->count);
  const char* at = array->packed.data();
  for (uint64_t i = 0; i < array->count; ++i) {
    uint64_t length = 0;
    std::memcpy(&length, at, sizeof length);
    result.emplace_back(at + sizeof length, length);
    at += sizeof length + length;
    if (find_invalid_utf8(result.back()) != std::string::npos)
      refuse(key, fmt::format("an array of texts in UTF-8; element {} is not", i));
  }
  return result;
}

std::vector<float> GgufFile::floats(const std::string& key) const {
  const GgufArray* array = find_array(key, GgufType::kF32, "an array of float32");
  std::vector<float> result(array == nullptr ? 0 : array->count);
  if (!result.empty()) std::memcpy(result.data(), array->packed.data(), result.size() * 4);
  return result;
}

std::vector<int32_t> GgufFile::integers(const std::string& key) const {
  const GgufArray* array = find_array(key, GgufType::kI32, "an array of int32");
  std::vector<int32_t> result(array == nullptr ? 0 : array->count);
  if (!result.empty()) std::memcpy(result.data(), array->packed.data(), result.size() * 4);
  return result;
}

uint64_t GgufFile::array_size(const std::string& key) const {
  const GgufValue* found = find(key);
  const auto* array = found == nullptr ? nullptr : std::get_if<GgufArray>(&found->value);
  return array == nullptr ? 0 : array->count;
}

void GgufFile::read(const GgufTensor& tensor, float* to) const {
  const std::string where = fmt::format("{}: tensor {}", path(), printable(tensor.name));
  if (tensor.type->id == 0) {
    bytes_.copy(to, tensor.begin, tensor.end - tensor.begin, where);
    return;
  }
  const uint64_t block = tensor.type->block_bytes;
  const uint64_t step = std::min(kChunkBytes / block * block, tensor.end - tensor.begin);
  std::vector<unsigned char> chunk(step);
  for (uint64_t at = tensor.begin; at < tensor.end;) {
    const uint64_t bytes = std::min(step, tensor.end - at);
    bytes_.copy(chunk.data(), at, bytes, where);
    tensor.type->to_float(chunk.data(), bytes / block, to);
    to += bytes / block * tensor.type->block_elements;
    at += bytes;
  }
}

}  // namespace pgtrain
