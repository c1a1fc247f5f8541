#include "modelfile/tensor_file.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <system_error>
#include <unordered_map>

#include "core/error.h"
#include "core/files.h"
#include "modelfile/file_bytes.h"
#include "modelfile/tensor_header.h"

namespace pgtrain {
namespace fs = std::filesystem;
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "payloads are copied as they lie in memory");

constexpr size_t kMaxReported = 50;

TensorHeader read_header(const FileBytes& file, uint64_t& payload_offset) {
  const std::string& path = file.path();
  if (file.size() < 8) throw DataError(fmt::format("{}: too short for a safetensors file", path));
  uint64_t length = 0;
  file.copy(&length, 0, 8, path);
  if (length > kMaxHeaderBytes)
    throw DataError(
        fmt::format("{}: a header of {} bytes is announced, at most {} are allowed: "
                    "not a safetensors file?",
                    path, length, kMaxHeaderBytes));
  if (length > file.size() - 8)
    throw DataError(
        fmt::format("{}: a header of {} bytes is announced, the file has only {} (cut short?)",
                    path, length, file.size()));
  std::string text(length, '\0');
  file.copy(text.data(), 8, length, path);
  payload_offset = 8 + length;
  return parse_tensor_header(text, file.size() - payload_offset, path);
}

at::ScalarType stored_type(const at::Tensor& tensor, c10::optional<at::ScalarType> float_type) {
  return float_type && at::isFloatingType(tensor.scalar_type()) ? *float_type
                                                                : tensor.scalar_type();
}

// Lays the tensors out; checks what only a bug can get wrong. sources[i] belongs to entries[i].
TensorHeader plan(const std::vector<NamedTensor>& tensors, c10::optional<at::ScalarType> float_type,
                  std::vector<const at::Tensor*>& sources) {
  PG_CHECK(tensors.size() <= kMaxTensors, "{} tensors", tensors.size());
  std::vector<std::pair<TensorEntry, const at::Tensor*>> items;
  std::set<std::string> names;
  for (const NamedTensor& named : tensors) {
    PG_CHECK(
        !named.name.empty() && named.name.size() <= kMaxNameBytes && named.name != "__metadata__",
        "tensor name {}", printable(named.name));
    PG_CHECK(names.insert(named.name).second, "tensor {} comes twice", printable(named.name));
    PG_CHECK(named.tensor.defined(), "tensor {} is undefined", printable(named.name));
    TensorEntry entry;
    entry.name = named.name;
    entry.dtype = find_dtype(stored_type(named.tensor, float_type));
    PG_CHECK(entry.dtype != nullptr, "tensor {} has dtype {}, which the format lacks",
             printable(named.name), c10::toString(named.tensor.scalar_type()));
    entry.shape = named.tensor.sizes().vec();
    PG_CHECK(entry.shape.size() <= kMaxDimensions &&
                 byte_size(entry.shape, entry.dtype->bytes, entry.end),
             "tensor {} has the shape {}", printable(named.name), shape_text(entry.shape));
    items.emplace_back(std::move(entry), &named.tensor);
  }
  std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
    // find_dtype gives pointers into one table, which stands in the order of writing.
    return a.first.dtype != b.first.dtype ? a.first.dtype < b.first.dtype
                                          : a.first.name < b.first.name;
  });
  TensorHeader header;
  uint64_t at = 0;
  for (auto& [entry, source] : items) {
    entry.begin = at;
    at = entry.end += at;
    header.entries.push_back(std::move(entry));
    sources.push_back(source);
  }
  return header;
}

std::string describe(const char* dtype, const std::vector<int64_t>& shape) {
  return fmt::format("{} {}", dtype, shape_text(shape));
}

// Every way in which the file does not fit the targets, one line each.
std::vector<std::string> differences(const TensorFile& file,
                                     const std::vector<NamedTensor>& targets) {
  std::vector<std::string> found;
  std::set<std::string> wanted;
  for (const auto& [name, target] : targets) {
    PG_CHECK(!name.empty() && target.defined(), "target {} is empty", printable(name));
    PG_CHECK(wanted.insert(name).second, "target {} comes twice", printable(name));
    if (!file.has(name)) {
      found.push_back(fmt::format("tensor {} is missing", printable(name)));
      continue;
    }
    const auto& shape = file.shape(name);
    if (target.sizes() == at::IntArrayRef(shape) && target.scalar_type() == file.dtype(name))
      continue;
    const TensorDtype* needed = find_dtype(target.scalar_type());
    found.push_back(
        fmt::format("tensor {} is {}, needed is {}", printable(name),
                    describe(find_dtype(file.dtype(name))->name, shape),
                    describe(needed != nullptr ? needed->name : c10::toString(target.scalar_type()),
                             target.sizes().vec())));
  }
  for (const std::string& name : file.names())
    if (wanted.count(name) == 0)
      found.push_back(fmt::format("tensor {} is not expected", printable(name)));
  return found;
}

}  // namespace

void write_tensor_file(const fs::path& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata,
                       c10::optional<at::ScalarType> float_type) {
  std::vector<const at::Tensor*> sources;
  TensorHeader header = plan(tensors, float_type, sources);
  header.metadata = metadata;
  const std::string text = format_tensor_header(header);
  const uint64_t length = text.size();
  PG_CHECK(length <= kMaxHeaderBytes, "a header of {} bytes", length);
  const fs::path temporary = path.string() + ".tmp";
  try {
    OutputFile file(temporary);
    file.write(&length, 8);
    file.write(text.data(), length);
    for (size_t i = 0; i < sources.size(); ++i) {
      const at::Tensor dense = 
          sources[i]->detach().to(at::kCPU, header.entries[i].dtype->type).contiguous();
      file.write(dense.data_ptr(), header.entries[i].end - header.entries[i].begin);
    }
    file.close();
    if (::rename(temporary.c_str(), path.c_str()) != 0)
      throw DiskError(fmt::format("{}: cannot replace: {}", path.string(), std::strerror(errno)));
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

struct TensorFile::Contents {
  explicit Contents(FileBytes bytes) : path(bytes.path()), file(std::move(bytes)) {
    header = read_header(file, payload_offset);
    for (const TensorEntry& entry : header.entries) {
      names.push_back(entry.name);
      by_name.emplace(entry.name, &entry);
    }
  }
  const TensorEntry& find(const std::string& name) const {
    const auto found = by_name.find(name);
    if (found == by_name.end())
      throw DataError(
          fmt::format("{}: tensor {}: there is no such tensor", path.string(), printable(name)));
    return *found->second;
  }

  fs::path path;
  FileBytes file;
  uint64_t payload_offset = 0;
  TensorHeader header;
  std::vector<std::string> names;
  std::unordered_map<std::string, const TensorEntry*> by_name;
};

TensorFile::TensorFile(std::shared_ptr<const Contents> contents) : contents_(std::move(contents)) {}

TensorFile TensorFile::open(const fs::path& path) {
  return of(FileBytes::open(path));
}

TensorFile TensorFile::of(FileBytes bytes) {
  return TensorFile(std::make_shared<const Contents>(std::move(bytes)));
}

const std::vector<std::string>& TensorFile::names() const { return contents_->names; }
bool TensorFile::has(const std::string& name) const { return contents_->by_name.count(name) != 0; }
const std::vector<int64_t>& TensorFile::shape(const std::string& name) const {
  return contents_->find(name).shape;
}
at::ScalarType TensorFile::dtype(const std::string& name) const {
  return contents_->find(name).dtype->type;
}
const std::map<std::string, std::string>& TensorFile::metadata() const {
  return contents_->header.metadata;
}
const fs::path& TensorFile::path() const { return contents_->path; }

uint64_t TensorFile::byte_count(const std::string& name) const {
  const TensorEntry& entry = contents_->find(name);
  return entry.end - entry.begin;
}

void TensorFile::copy_bytes(const std::string& name, uint64_t first, uint64_t bytes,
                            void* to) const {
  const TensorEntry& entry = contents_->find(name);
  const uint64_t length = entry.end - entry.begin;
  PG_CHECK(first <= length && bytes <= length - first, "bytes {} to {} of {}", first, first + bytes,
           length);
  contents_->file.copy(to, contents_->payload_offset + entry.begin + first, bytes, where(name));
}

at::Tensor TensorFile::tensor(const std::string& name) const {
  const TensorEntry& entry = contents_->find(name);
  at::Tensor result =
      at::empty(entry.shape, at::TensorOptions().dtype(entry.dtype->type).device(at::kCPU));
  const uint64_t bytes = entry.end - entry.begin;
  copy_bytes(name, 0, bytes, result.data_ptr());
  // Any other byte in a bool is undefined behaviour.
  const auto* raw = static_cast<const unsigned char*>(result.data_ptr());
  if (entry.dtype->type == at::kBool &&
      !std::all_of(raw, raw + bytes, [](auto b) { return b <= 1; }))
    throw DataError(where(name) + ": BOOL bytes must be 0 or 1");
  return result;
}

std::string TensorFile::where(const std::string& name) const {
  return fmt::format("{}: tensor {}", contents_->path.string(), printable(name));
}

void copy_into(const TensorFile& file, const std::vector<NamedTensor>& targets) {
  const std::vector<std::string> found = differences(file, targets);
  if (!found.empty()) {
    std::string message = fmt::format(
        "{}: does not fit the model ({} differences):", file.path().string(), found.size());
    for (size_t i = 0; i < std::min(found.size(), kMaxReported); ++i) message += "\n  " + found[i];
    if (found.size() > kMaxReported)
      message += fmt::format("\n  and {} more", found.size() - kMaxReported);
    throw DataError(message);
  }
  const c10::NoGradGuard no_grad;
  for (const auto& [name, target] : targets) {
    at::Tensor destination = target;
    destination.copy_(file.tensor(name));
  }
}

}  // namespace pgtrain
