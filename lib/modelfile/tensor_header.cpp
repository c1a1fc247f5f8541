#include "modelfile/tensor_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "core/error.h"

namespace pgtrain {
namespace {

using Json = nlohmann::json;

constexpr const char* kMetadataKey = "__metadata__";

// By alignment from large to small, then as the Python package orders them.
constexpr std::array<TensorDtype, 10> kDtypes = {{
    {"I64", at::kLong, 8},
    {"F64", at::kDouble, 8},
    {"F32", at::kFloat, 4},
    {"I32", at::kInt, 4},
    {"BF16", at::kBFloat16, 2},
    {"F16", at::kHalf, 2},
    {"I16", at::kShort, 2},
    {"I8", at::kChar, 1},
    {"U8", at::kByte, 1},
    {"BOOL", at::kBool, 1},
}};

// Takes nlohmann's events one by one, so that nothing is built for parts that are not allowed and
// repeated keys are seen. Every handler returns false to stop, after setting problem_.
class HeaderReader : public nlohmann::json_sax<Json> {
 public:
  TensorHeader take() { return std::move(header_); }
  const std::string& problem() const { return problem_; }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a truth value"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return unexpected("a number that is not a plain integer");
  }
  bool binary(binary_t&) override { return unexpected("binary data"); }
  bool number_unsigned(number_unsigned_t value) override;
  bool string(string_t& value) override;
  bool start_object(size_t) override;
  bool end_object() override;
  bool start_array(size_t) override;
  bool end_array() override;
  bool key(string_t& name) override;
  bool parse_error(size_t position, const std::string&, const Json::exception&) override {
    return fail(fmt::format("the header is not valid JSON (byte {})", 8 + position));
  }

 private:
  enum class Place { kStart, kTop, kMetadata, kTensor, kShape, kOffsets };

  bool fail(const std::string& problem) {
    problem_ = problem;
    return false;
  }
  // What is being read, for messages: `tensor "x": "dtype": `.
  std::string where() const;
  bool unexpected(const char* what) {
    return fail(fmt::format("{}{} is not allowed here", where(), what));
  }
  bool top_key(const std::string& name);
  bool tensor_key(const std::string& name);
  bool finish_tensor();

  TensorHeader header_;
  std::string problem_;
  Place place_ = Place::kStart;
  std::set<std::string> names_;
  bool has_metadata_ = false;
  // Of the tensor or the metadata entry being read.
  std::string key_;
  std::vector<uint64_t> offsets_;
  std::set<std::string> seen_;
};

std::string HeaderReader::where() const {
  switch (place_) {
    case Place::kStart:
    case Place::kTop:
      return names_.empty() && !has_metadata_ ? "header: " : fmt::format("{}: ", printable(key_));
    case Place::kMetadata:
      return fmt::format("{}: {}: ", kMetadataKey, printable(key_));
    default:
      return fmt::format("tensor {}: {}: ", printable(header_.entries.back().name),
                         printable(key_));
  }
}

bool HeaderReader::number_unsigned(number_unsigned_t value) {
  if (place_ == Place::kShape) {
    auto& shape = header_.entries.back().shape;
    if (shape.size() == kMaxDimensions)
      return fail(fmt::format("{}more than {} dimensions", where(), kMaxDimensions));
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return fail(fmt::format("{}{} is too large", where(), value));
    shape.push_back(static_cast<int64_t>(value));
    return true;
  }
  if (place_ == Place::kOffsets) {
    if (offsets_.size() == 2) return fail(where() + "more than two offsets");
    offsets_.push_back(value);
    return true;
  }
  return unexpected("a number");
}

bool HeaderReader::string(string_t& value) {
  if (place_ == Place::kMetadata) {
    header_.metadata[key_] = value;
    return true;
  }
  if (place_ != Place::kTensor || key_ != "dtype") return unexpected("a string");
  const TensorDtype* dtype = find_dtype(value);
  if (dtype == nullptr)
    return fail(fmt::format("{}{} is not supported", where(), printable(value)));
  header_.entries.back().dtype = dtype;
  return true;
}

bool HeaderReader::start_object(size_t) {
  if (place_ == Place::kStart) {
    place_ = Place::kTop;
    return true;
  }
  if (place_ != Place::kTop) return unexpected("an object");
  seen_.clear();
  if (key_ == kMetadataKey) {
    place_ = Place::kMetadata;
    return true;
  }
  place_ = Place::kTensor;
  header_.entries.emplace_back();
  header_.entries.back().name = key_;
  offsets_.clear();
  return true;
}

bool HeaderReader::end_object() {
  const bool good = place_ != Place::kTensor || finish_tensor();
  place_ = Place::kTop;
  return good;
}

bool HeaderReader::start_array(size_t) {
  if (place_ != Place::kTensor || key_ == "dtype") return unexpected("an array");
  place_ = key_ == "shape" ? Place::kShape : Place::kOffsets;
  return true;
}

bool HeaderReader::end_array() {
  place_ = Place::kTensor;
  return true;
}

bool HeaderReader::key(string_t& name) {
  if (place_ == Place::kTop) return top_key(name);
  if (place_ == Place::kTensor && !tensor_key(name)) return false;
  if (!seen_.insert(name).second)
    return fail(fmt::format("{}{} stands there twice", where(), printable(name)));
  key_ = name;
  return true;
}

bool HeaderReader::top_key(const std::string& name) {
  key_ = name;
  if (name == kMetadataKey) {
    if (has_metadata_) return fail(fmt::format("{} stands there twice", kMetadataKey));
    has_metadata_ = true;
    return true;
  }
  if (name.empty()) return fail("a tensor has an empty name");
  if (name.size() > kMaxNameBytes)
    return fail(
        fmt::format("tensor {}: the name is longer than {} bytes", printable(name), kMaxNameBytes));
  if (names_.size() == kMaxTensors) return fail(fmt::format("more than {} tensors", kMaxTensors));
  if (!names_.insert(name).second)
    return fail(fmt::format("tensor {}: stands there twice", printable(name)));
  return true;
}

bool HeaderReader::tensor_key(const std::string& name) {
  if (name == "dtype" || name == "shape" || name == "data_offsets") return true;
  return fail(fmt::format("tensor {}: unknown key {}", printable(header_.entries.back().name),
                          printable(name)));
}

bool HeaderReader::finish_tensor() {
  TensorEntry& entry = header_.entries.back();
  const std::string tensor = fmt::format("tensor {}: ", printable(entry.name));
  for (const char* needed : {"dtype", "shape", "data_offsets"})
    if (seen_.count(needed) == 0) return fail(fmt::format("{}\"{}\" is missing", tensor, needed));
  if (offsets_.size() != 2) return fail(tensor + "\"data_offsets\" needs two numbers");
  entry.begin = offsets_[0];
  entry.end = offsets_[1];
  if (entry.end < entry.begin)
    return fail(
        fmt::format("{}data_offsets [{}, {}] run backwards", tensor, entry.begin, entry.end));
  uint64_t bytes = 0;
  if (!byte_size(entry.shape, entry.dtype->bytes, bytes))
    return fail(fmt::format("{}the shape {} is too large", tensor, shape_text(entry.shape)));
  if (bytes != entry.end - entry.begin)
    return fail(fmt::format("{}{} {} needs {} bytes, data_offsets give {}", tensor,
                            entry.dtype->name, shape_text(entry.shape), bytes,
                            entry.end - entry.begin));
  return true;
}

// What is wrong with how the tensors, sorted by offset, cover the payload; "" when nothing is.
std::string coverage_problem(const std::vector<TensorEntry>& entries, uint64_t payload_bytes) {
  uint64_t at = 0;
  for (const TensorEntry& entry : entries) {
    if (entry.begin != at)
      return fmt::format("tensor {}: begins at byte {} of the payload, {} at byte {}",
                         printable(entry.name), entry.begin,
                         entry.begin < at ? "overlaps the tensor that ends" : "leaves a hole", at);
    if (entry.end > payload_bytes)
      return fmt::format("tensor {}: ends at byte {} of the payload, which has {} (cut short?)",
                         printable(entry.name), entry.end, payload_bytes);
    at = entry.end;
  }
  if (at == payload_bytes) return "";
  return fmt::format("{} bytes follow the last tensor", payload_bytes - at);
}

}  // namespace

const TensorDtype* find_dtype(const std::string& name) {
  for (const TensorDtype& dtype : kDtypes)
    if (dtype.name == name) return &dtype;
  return nullptr;
}

const TensorDtype* find_dtype(at::ScalarType type) {
  for (const TensorDtype& dtype : kDtypes)
    if (dtype.type == type) return &dtype;
  return nullptr;
}

TensorHeader parse_tensor_header(const std::string& text, uint64_t payload_bytes,
                                 const std::string& file) {
  // nlohmann skips a byte order mark and takes a zero byte for the end: neither is allowed to hide
  // anything.
  if (text.empty() || text.front() != '{')
    throw DataError(file + ": the header does not begin with '{'");
  if (text.find('\0') != std::string::npos)
    throw DataError(file + ": the header holds a zero byte");
  HeaderReader reader;
  if (!Json::sax_parse(text, &reader))
    throw DataError(fmt::format("{}: {}", file, reader.problem()));
  TensorHeader header = reader.take();
  std::sort(header.entries.begin(), header.entries.end(),
            [](const TensorEntry& a, const TensorEntry& b) {
              return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
            });
  const std::string problem = coverage_problem(header.entries, payload_bytes);
  if (!problem.empty()) throw DataError(fmt::format("{}: {}", file, problem));
  return header;
}

std::string format_tensor_header(const TensorHeader& header) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  std::string text;
  try {
    if (!header.metadata.empty()) json[kMetadataKey] = header.metadata;
    // ordered_json looks keys up one after the other; appending to its vector is linear.
    auto& members = json.get_ref<nlohmann::ordered_json::object_t&>();
    for (const TensorEntry& entry : header.entries) {
      nlohmann::ordered_json value;
      value["dtype"] = entry.dtype->name;
      value["shape"] = entry.shape;
      value["data_offsets"] = {entry.begin, entry.end};
      members.emplace_back(entry.name, std::move(value));
    }
    text = json.dump();
  } catch (const nlohmann::json::exception& e) {
    throw InternalError(fmt::format("internal error: safetensors header: {}", e.what()));
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

bool byte_size(const std::vector<int64_t>& shape, uint64_t element_bytes, uint64_t& bytes) {
  constexpr auto kLimit = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  uint64_t product = element_bytes;
  bool empty = false;
  for (const int64_t size : shape) {
    if (size < 0) return false;
    if (size == 0) empty = true;
    const uint64_t factor = std::max<uint64_t>(static_cast<uint64_t>(size), 1);
    if (product > kLimit / factor) return false;
    product *= factor;
  }
  bytes = empty ? 0 : product;
  return true;
}

std::string printable(const std::string& name) {
  constexpr size_t kShown = 80;
  std::string text = "\"";
  for (const char c : name.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    text += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  return text + (name.size() > kShown ? "...\"" : "\"");
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

}  // namespace pgtrain
