#include "modelfile/gguf_writer.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "modelfile/gguf_file.h"
#include "modelfile/gguf_names.h"
#include "modelfile/json_file.h"
#include "modelfile/rope_scaling.h"
#include "modelfile/tensor_header.h"

namespace pgtrain {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

constexpr const char* kConfig = "config";  // what messages about the config begin with
constexpr uint64_t kAlignment = 32;
constexpr int64_t kMaxSize = int64_t{1} << 31;
constexpr int32_t kUnusedToken = 5;

uint64_t aligned(uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

template <class T>
void append(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_text(std::string& to, const std::string& text) {
  append<uint64_t>(to, text.size());
  to += text;
}

// The metadata section, entry by entry.
class MetadataWriter {
 public:
  uint64_t count() const { return count_; }
  const std::string& bytes() const { return bytes_; }

  void text(const std::string& key, const std::string& value) {
    begin(key, GgufType::kText);
    append_text(bytes_, value);
  }
  void u32(const std::string& key, int64_t value) {
    PG_CHECK(value >= 0 && value <= UINT32_MAX, "{} is {}", key, value);
    begin(key, GgufType::kU32);
    append(bytes_, static_cast<uint32_t>(value));
  }
  void f32(const std::string& key, double value) {
    begin(key, GgufType::kF32);
    append(bytes_, static_cast<float>(value));
  }
  void boolean(const std::string& key, bool value) {
    begin(key, GgufType::kBool);
    append(bytes_, static_cast<uint8_t>(value));
  }
  void texts(const std::string& key, const std::vector<std::string>& values) {
    begin_array(key, GgufType::kText, values.size());
    for (const std::string& value : values) append_text(bytes_, value);
  }
  template <class T>
  void numbers(const std::string& key, GgufType type, const std::vector<T>& values) {
    begin_array(key, type, values.size());
    for (const T value : values) append(bytes_, value);
  }

 private:
  void begin(const std::string& key, GgufType type) {
    ++count_;
    append_text(bytes_, key);
    append(bytes_, static_cast<uint32_t>(type));
  }
  void begin_array(const std::string& key, GgufType type, uint64_t size) {
    begin(key, GgufType::kArray);
    append(bytes_, static_cast<uint32_t>(type));
    append(bytes_, size);
  }

  std::string bytes_;
  uint64_t count_ = 0;
};

// The numbers of a config that decide about tensors.
struct Sizes {
  int64_t vocab = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  bool is_tied = false;
};

int64_t size_of(const Json& config, const char* key) {
  return json_integer(config, key, kConfig, 1, kMaxSize);
}

int64_t size_of(const Json& config, const char* key, int64_t fallback) {
  const auto found = config.find(key);
  return found == config.end() || found->is_null() ? fallback : size_of(config, key);
}

Sizes read_sizes(const Json& config, const GgufArchitecture& architecture) {
  Sizes sizes;
  sizes.vocab = size_of(config, "vocab_size");
  sizes.heads = size_of(config, architecture.is_gpt2 ? "n_head" : "num_attention_heads");
  sizes.kv_heads =
      architecture.is_gpt2 ? sizes.heads : size_of(config, "num_key_value_heads", sizes.heads);
  const int64_t width = size_of(config, architecture.is_gpt2 ? "n_embd" : "hidden_size");
  sizes.head_dim = size_of(config, "head_dim", width / sizes.heads);
  sizes.is_tied = json_bool(config, "tie_word_embeddings", kConfig, architecture.is_gpt2);
  return sizes;
}

void add_gpt2(const Json& config, const Sizes& sizes, MetadataWriter& to) {
  const int64_t width = size_of(config, "n_embd");
  const std::string activation = json_string(config, "activation_function", kConfig, "gelu_new");
  if (activation != "gelu_new" && activation != "gelu_pytorch_tanh")
    throw DataError(
        fmt::format("{}: \"activation_function\" is {}, GGUF's gpt2 knows gelu_new only", kConfig,
                    printable(activation)));
  to.u32("gpt2.context_length", size_of(config, "n_positions"));
  to.u32("gpt2.embedding_length", width);
  to.u32("gpt2.feed_forward_length", size_of(config, "n_inner", 4 * width));
  to.u32("gpt2.block_count", size_of(config, "n_layer"));
  to.u32("gpt2.attention.head_count", sizes.heads);
  to.f32("gpt2.attention.layer_norm_epsilon",
         json_number(config, "layer_norm_epsilon", kConfig, 1e-5));
}

void add_yarn(const std::string& arch, const Json& scaling, MetadataWriter& to) {
  to.f32(arch + ".rope.scaling.factor", json_number(scaling, "factor", kConfig));
  to.u32(arch + ".rope.scaling.original_context_length",
         json_integer(scaling, "original_max_position_embeddings", kConfig, 1, kMaxSize));
  const std::pair<const char*, const char*> parameters[] = {
      {"extrapolation_factor", "yarn_ext_factor"},
      {"attention_factor", "yarn_attn_factor"},
      {"beta_fast", "yarn_beta_fast"},
      {"beta_slow", "yarn_beta_slow"}};
  for (const auto& [name, key] : parameters)
    if (const auto found = scaling.find(name); found != scaling.end() && !found->is_null())
      to.f32(arch + ".rope.scaling." + key, json_number(scaling, name, kConfig));
}

void add_rope(const std::string& arch, const RopeConfig& rope, MetadataWriter& to) {
  to.f32(arch + ".rope.freq_base", rope.theta);
  if (rope.type == "default" || rope.type == "llama3") return;  // the latter becomes a tensor
  if (rope.type != "linear" && rope.type != "yarn")
    throw DataError(
        fmt::format("{}: the rope type {} cannot be written; default, linear, llama3 and yarn can",
                    kConfig, printable(rope.type)));
  to.text(arch + ".rope.scaling.type", rope.type);
  if (rope.type == "yarn")
    add_yarn(arch, rope.scaling, to);
  else
    to.f32(arch + ".rope.scaling.factor", json_number(rope.scaling, "factor", kConfig));
}

void add_llama(const Json& config, const GgufArchitecture& architecture, const Sizes& sizes,
               const RopeConfig& rope, MetadataWriter& to) {
  const std::string arch = architecture.name;
  const std::string activation = json_string(config, "hidden_act", kConfig, "silu");
  if (activation != "silu")
    throw DataError(fmt::format("{}: \"hidden_act\" is {}, GGUF's {} knows silu only", kConfig,
                                printable(activation), arch));
  to.u32(arch + ".context_length", size_of(config, "max_position_embeddings"));
  to.u32(arch + ".embedding_length", size_of(config, "hidden_size"));
  to.u32(arch + ".feed_forward_length", size_of(config, "intermediate_size"));
  to.u32(arch + ".block_count", size_of(config, "num_hidden_layers"));
  to.u32(arch + ".attention.head_count", sizes.heads);
  to.u32(arch + ".attention.head_count_kv", sizes.kv_heads);
  to.u32(arch + ".attention.key_length", sizes.head_dim);
  to.u32(arch + ".attention.value_length", sizes.head_dim);
  to.f32(arch + ".attention.layer_norm_rms_epsilon", json_number(config, "rms_norm_eps", kConfig));
  to.u32(arch + ".rope.dimension_count", sizes.head_dim);
  to.u32(arch + ".vocab_size", sizes.vocab);
  if (architecture.model_type == std::string("mistral") ||
      config.value("use_sliding_window", false))
    if (const int64_t window = size_of(config, "sliding_window", 0); window > 0)
      to.u32(arch + ".attention.sliding_window", window);
  add_rope(arch, rope, to);
}

// Embeddings may have more rows than the tokenizer has tokens: GGUF wants a token for each.
void add_vocabulary(const GgufVocabulary& vocabulary, int64_t rows, MetadataWriter& to) {
  const auto count = static_cast<int64_t>(vocabulary.tokens.size());
  if (count > rows)
    throw DataError(
        fmt::format("the tokenizer has {} tokens, the model has {} embeddings", count, rows));
  GgufVocabulary padded = vocabulary;
  for (int64_t id = count; id < rows; ++id) padded.tokens.push_back(fmt::format("[PAD{}]", id));
  if (padded.types.empty()) padded.types.assign(static_cast<size_t>(count), 1);
  padded.types.resize(static_cast<size_t>(rows), kUnusedToken);
  if (!padded.scores.empty()) padded.scores.resize(static_cast<size_t>(rows), -10000);
  to.text("tokenizer.ggml.model", padded.model);
  if (!padded.pre.empty()) to.text("tokenizer.ggml.pre", padded.pre);
  to.texts("tokenizer.ggml.tokens", padded.tokens);
  if (!padded.scores.empty()) to.numbers("tokenizer.ggml.scores", GgufType::kF32, padded.scores);
  to.numbers("tokenizer.ggml.token_type", GgufType::kI32, padded.types);
  if (!padded.merges.empty()) to.texts("tokenizer.ggml.merges", padded.merges);
  const std::pair<const char*, int64_t> ids[] = {
      {"bos", padded.bos}, {"eos", padded.eos}, {"unknown", padded.unk}, {"padding", padded.pad}};
  for (const auto& [name, id] : ids)
    if (id >= 0) to.u32(fmt::format("tokenizer.ggml.{}_token_id", name), id);
  if (padded.add_bos) to.boolean("tokenizer.ggml.add_bos_token", *padded.add_bos);
  if (padded.add_eos) to.boolean("tokenizer.ggml.add_eos_token", *padded.add_eos);
  if (padded.add_space_prefix)
    to.boolean("tokenizer.ggml.add_space_prefix", *padded.add_space_prefix);
  if (!padded.chat_template.empty()) to.text("tokenizer.chat_template", padded.chat_template);
}

// The divisors of the rotary frequencies, or an empty list.
std::vector<float> rope_factors(const Json& config, const Sizes& sizes, const RopeConfig& rope) {
  if (const auto found = config.find("pgtrain_rope_factors"); found != config.end()) {
    const bool fits = found->is_array() &&
                      found->size() == static_cast<size_t>(sizes.head_dim / 2) &&
                      std::all_of(found->begin(), found->end(),
                                  [](const Json& value) { return value.is_number(); });
    if (!fits)
      throw DataError(fmt::format("{}: \"pgtrain_rope_factors\" must be a list of {} numbers",
                                  kConfig, sizes.head_dim / 2));
    return found->get<std::vector<float>>();
  }
  if (rope.type != "llama3") return {};
  Llama3Scaling scaling;
  scaling.factor = json_number(rope.scaling, "factor", kConfig);
  scaling.low_freq_factor = json_number(rope.scaling, "low_freq_factor", kConfig);
  scaling.high_freq_factor = json_number(rope.scaling, "high_freq_factor", kConfig);
  scaling.original_max_position_embeddings =
      json_number(rope.scaling, "original_max_position_embeddings", kConfig);
  return llama3_rope_factors(rope.theta, sizes.head_dim, scaling);
}

struct Entry {
  std::string name;
  const GgmlType* type;
  GgufLayout layout;
  at::Tensor source;
  std::vector<int64_t> shape;  // as stored, slowest first
  uint64_t bytes = 0;
};

const GgmlType& type_of(const std::string& name, const std::vector<int64_t>& shape,
                        const GgmlType& wanted) {
  if (shape.size() < 2 || name == "position_embd.weight") return ggml_type("F32");
  if (shape.back() % static_cast<int64_t>(wanted.block_elements) != 0) return ggml_type("F16");
  return wanted;
}

Entry entry_of(const NamedTensor& named, const GgufName& name, const Sizes& sizes,
               const GgmlType& wanted) {
  const std::string where = "tensor " + printable(named.name);
  Entry entry{name.name, nullptr, name.layout, named.tensor, named.tensor.sizes().vec()};
  const auto refuse = [&](const std::string& problem) {
    throw DataError(fmt::format("{}: the shape {} {}", where, shape_text(entry.shape), problem));
  };
  if (entry.shape.empty() || entry.shape.size() > 2 || named.tensor.numel() == 0)
    refuse("is no vector and no matrix");
  if (name.layout == GgufLayout::kTransposed) {
    if (entry.shape.size() != 2) refuse("is no matrix");
    std::swap(entry.shape[0], entry.shape[1]);
  } else if (name.layout != GgufLayout::kSame) {
    const int64_t heads = name.layout == GgufLayout::kQuery ? sizes.heads : sizes.kv_heads;
    if (entry.shape[0] != heads * sizes.head_dim || sizes.head_dim % 2 != 0)
      refuse(fmt::format("does not fit {} heads of size {}", heads, sizes.head_dim));
  }
  if (name.name == "token_embd.weight" && entry.shape[0] != sizes.vocab)
    refuse(fmt::format("does not fit vocab_size {}", sizes.vocab));
  entry.type = &type_of(entry.name, entry.shape, wanted);
  entry.bytes = static_cast<uint64_t>(named.tensor.numel()) / entry.type->block_elements *
                entry.type->block_bytes;
  return entry;
}

std::vector<Entry> plan(const std::vector<NamedTensor>& tensors,
                        const GgufArchitecture& architecture, const Sizes& sizes,
                        const std::vector<float>& factors, const GgmlType& wanted) {
  std::vector<Entry> entries;
  std::set<std::string> seen;
  if (!factors.empty()) {
    const auto count = static_cast<int64_t>(factors.size());
    const at::Tensor values = at::tensor(at::ArrayRef<float>(factors));
    entries.push_back({"rope_freqs.weight",
                       &ggml_type("F32"),
                       GgufLayout::kSame,
                       values,
                       {count},
                       static_cast<uint64_t>(count) * 4});
  }
  for (const NamedTensor& named : tensors) {
    PG_CHECK(named.tensor.defined() && at::isFloatingType(named.tensor.scalar_type()),
             "tensor {} is no floating-point tensor", printable(named.name));
    PG_CHECK(seen.insert(named.name).second, "tensor {} comes twice", printable(named.name));
    if (sizes.is_tied && named.name == "lm_head.weight") continue;
    const auto name = gguf_name(architecture, named.name);
    if (!name)
      throw DataError(fmt::format("tensor {}: GGUF's architecture {} has no place for it",
                                  printable(named.name), architecture.name));
    entries.push_back(entry_of(named, *name, sizes, wanted));
  }
  if (seen.count(architecture.is_gpt2 ? "transformer.wte.weight" : "model.embed_tokens.weight") ==
      0)
    throw DataError("the model has no embedding");
  return entries;
}

at::Tensor values_of(const Entry& entry, const Sizes& sizes) {
  at::Tensor values = entry.source.detach().to(at::kCPU, at::kFloat);
  if (entry.layout == GgufLayout::kTransposed)
    values = values.t();
  else if (entry.layout != GgufLayout::kSame)
    values = to_interleaved_rows(values,
                                 entry.layout == GgufLayout::kQuery ? sizes.heads : sizes.kv_heads);
  values = values.contiguous();
  if (!at::isfinite(values).all().item<bool>())
    throw DataError(
        fmt::format("tensor {}: holds values that are not finite", printable(entry.name)));
  return values;
}

void write_values(const Entry& entry, const Sizes& sizes, OutputFile& file) {
  const at::Tensor values = values_of(entry, sizes);
  const std::string type = entry.type->name;
  if (type == "F32") {
    file.write(values.data_ptr(), entry.bytes);
  } else if (type == "F16") {
    const at::Tensor halves = values.to(at::kHalf);
    if (!at::isfinite(halves).all().item<bool>())
      throw DataError(fmt::format("tensor {}: holds values beyond the range of F16; write F32",
                                  printable(entry.name)));
    file.write(halves.data_ptr(), entry.bytes);
  } else {
    std::vector<unsigned char> blocks(entry.bytes);
    quantize_q8_0(values.data_ptr<float>(), static_cast<uint64_t>(values.numel()), blocks.data());
    file.write(blocks.data(), blocks.size());
  }
  const char padding[kAlignment] = {};
  file.write(padding, aligned(entry.bytes) - entry.bytes);
}

std::string header_of(const MetadataWriter& metadata, const std::vector<Entry>& entries) {
  std::string header = "GGUF";
  append<uint32_t>(header, 3);
  append<uint64_t>(header, entries.size());
  append<uint64_t>(header, metadata.count());
  header += metadata.bytes();
  uint64_t offset = 0;
  for (const Entry& entry : entries) {
    append_text(header, entry.name);
    append(header, static_cast<uint32_t>(entry.shape.size()));
    for (auto size = entry.shape.rbegin(); size != entry.shape.rend(); ++size)
      append(header, static_cast<uint64_t>(*size));
    append(header, entry.type->id);
    append(header, offset);
    offset += aligned(entry.bytes);
  }
  header.resize(aligned(header.size()), '\0');
  return header;
}

int64_t file_type(const std::string& dtype) { return dtype == "F32" ? 0 : dtype == "F16" ? 1 : 7; }

MetadataWriter metadata_of(const Json& config, const GgufArchitecture& architecture,
                           const Sizes& sizes, const RopeConfig& rope,
                           const GgufVocabulary& vocabulary, const GgufWriteOptions& options) {
  MetadataWriter metadata;
  metadata.text("general.architecture", architecture.name);
  metadata.text("general.type", "model");
  if (!options.name.empty()) metadata.text("general.name", options.name);
  metadata.u32("general.file_type", file_type(options.dtype));
  metadata.u32("general.quantization_version", 2);
  if (architecture.is_gpt2)
    add_gpt2(config, sizes, metadata);
  else
    add_llama(config, architecture, sizes, rope, metadata);
  add_vocabulary(vocabulary, sizes.vocab, metadata);
  return metadata;
}

const GgufArchitecture& architecture_of(const Json& config) {
  const std::string type = json_string(config, "model_type", kConfig);
  const GgufArchitecture* found = find_by_model_type(type);
  if (found == nullptr)
    throw DataError(fmt::format("{}: \"model_type\" is {}; as GGUF can be written {}", kConfig,
                                printable(type), known_model_types()));
  return *found;
}

}  // namespace

void write_gguf(const fs::path& path, const Json& config, const GgufVocabulary& vocabulary,
                const std::vector<NamedTensor>& tensors, const GgufWriteOptions& options) {
  PG_CHECK(options.dtype == "F32" || options.dtype == "F16" || options.dtype == "Q8_0", "dtype {}",
           options.dtype);
  const c10::NoGradGuard no_grad;
  const GgufArchitecture& architecture = architecture_of(config);
  const Sizes sizes = read_sizes(config, architecture);
  const RopeConfig rope = read_rope_config(config, kConfig);
  const std::vector<Entry> entries = plan(
      tensors, architecture, sizes, rope_factors(config, sizes, rope), ggml_type(options.dtype));
  const MetadataWriter metadata =
      metadata_of(config, architecture, sizes, rope, vocabulary, options);
  const std::string header = header_of(metadata, entries);
  const fs::path temporary = path.string() + ".tmp";
  try {
    OutputFile file(temporary);
    file.write(header.data(), header.size());
    for (const Entry& entry : entries) write_values(entry, sizes, file);
    file.close();
    if (std::rename(temporary.c_str(), path.c_str()) != 0)
      throw DiskError(fmt::format("{}: cannot replace: {}", path.string(), std::strerror(errno)));
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

}  // namespace pgtrain
