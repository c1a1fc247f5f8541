// GGUF bytes for tests, right or wrong in any place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pgtrain::test {

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
inline std::string raw_text(const std::string& text) { return raw<uint64_t>(text.size()) + text; }

class GgufBuilder {
 public:
  uint32_t version = 3;
  uint64_t extra_tensors = 0;  // announced, not there
  uint64_t extra_metadata = 0;
  uint64_t alignment = 32;

  GgufBuilder& entry(const std::string& key, uint32_t type, const std::string& value) {
    metadata_ += raw_text(key) + raw(type) + value;
    ++metadata_count_;
    return *this;
  }
  GgufBuilder& u32(const std::string& key, uint32_t value) { return entry(key, 4, raw(value)); }
  GgufBuilder& f32(const std::string& key, float value) { return entry(key, 6, raw(value)); }
  GgufBuilder& text(const std::string& key, const std::string& value) {
    return entry(key, 8, raw_text(value));
  }
  GgufBuilder& texts(const std::string& key, const std::vector<std::string>& values) {
    std::string bytes = raw<uint32_t>(8) + raw<uint64_t>(values.size());
    for (const std::string& value : values) bytes += raw_text(value);
    return entry(key, 9, bytes);
  }

  // Any tensor entry; `sizes` fastest first, as the file has them.
  GgufBuilder& tensor_entry(const std::string& name, const std::vector<uint64_t>& sizes,
                            uint32_t type, uint64_t offset) {
    tensors_ += raw_text(name) + raw(static_cast<uint32_t>(sizes.size()));
    for (const uint64_t size : sizes) tensors_ += raw(size);
    tensors_ += raw(type) + raw(offset);
    ++tensor_count_;
    return *this;
  }
  GgufBuilder& data(const std::string& bytes) {
    data_ += bytes;
    data_.resize((data_.size() + alignment - 1) / alignment * alignment);
    return *this;
  }
  // A float32 tensor of this shape (slowest first) with the values start, start + 1, ...
  GgufBuilder& floats(const std::string& name, const std::vector<uint64_t>& shape,
                      float start = 0) {
    tensor_entry(name, {shape.rbegin(), shape.rend()}, 0, data_.size());
    uint64_t count = 1;
    for (const uint64_t size : shape) count *= size;
    std::string bytes;
    for (uint64_t i = 0; i < count; ++i) bytes += raw(start + static_cast<float>(i));
    return data(bytes);
  }

  std::string bytes() const {
    std::string file = "GGUF" + raw(version) + raw(tensor_count_ + extra_tensors) +
                       raw(metadata_count_ + extra_metadata) + metadata_ + tensors_;
    if (!data_.empty()) file.resize((file.size() + alignment - 1) / alignment * alignment);
    return file + data_;
  }

 private:
  std::string metadata_;
  std::string tensors_;
  std::string data_;
  uint64_t metadata_count_ = 0;
  uint64_t tensor_count_ = 0;
};

// A complete model of one layer: width 4, 2 heads, 1 key-value head, 3 tokens.
inline GgufBuilder tiny_gguf(const std::string& architecture = "llama") {
  GgufBuilder builder;
  const std::string arch = architecture + ".";
  builder.text("general.architecture", architecture)
      .u32(arch + "context_length", 16)
      .u32(arch + "embedding_length", 4)
      .u32(arch + "block_count", 1)
      .u32(arch + "feed_forward_length", 6)
      .u32(arch + "attention.head_count", 2)
      .u32(arch + "attention.head_count_kv", 1)
      .f32(arch + "attention.layer_norm_rms_epsilon", 1e-6F)
      .text("tokenizer.ggml.model", "gpt2")
      .texts("tokenizer.ggml.tokens", {"a", "b", "c"})
      .u32("tokenizer.ggml.eos_token_id", 2)
      .floats("token_embd.weight", {3, 4})
      .floats("output_norm.weight", {4})
      .floats("blk.0.attn_norm.weight", {4})
      .floats("blk.0.attn_q.weight", {4, 4})
      .floats("blk.0.attn_k.weight", {2, 4})
      .floats("blk.0.attn_v.weight", {2, 4})
      .floats("blk.0.attn_output.weight", {4, 4})
      .floats("blk.0.ffn_norm.weight", {4})
      .floats("blk.0.ffn_gate.weight", {6, 4})
      .floats("blk.0.ffn_up.weight", {6, 4})
      .floats("blk.0.ffn_down.weight", {4, 6});
  return builder;
}

}  // namespace pgtrain::test
