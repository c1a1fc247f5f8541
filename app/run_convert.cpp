#include <spdlog/spdlog.h>

#include <filesystem>

#include "actions.h"
#include "commands.h"
#include "core/error.h"
#include "core/memory.h"
#include "modelfile/gguf_writer.h"
#include "modelfile/lora_adapter.h"
#include "open_policy.h"
#include "text/gguf_vocabulary.h"
#include "text/hf_tokenizer.h"
#include "train/memory_estimate.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

constexpr double kMaxShardGb = 5;

void check_output(const ModelOutputFlags& output) {
  const bool is_gguf = output.format == "gguf";
  if (is_gguf && output.dtype == "bf16")
    throw ConfigError("--dtype bf16: GGUF files are written as f32, f16 or q8_0");
  if (!is_gguf && output.dtype == "q8_0")
    throw ConfigError("--dtype q8_0: only GGUF files hold it; use f32, f16 or bf16");
  if (output.format == "peft" && output.dtype != "f32")
    throw ConfigError("--dtype: adapters are written as f32");
  if (output.max_shard_gb && output.format != "hf")
    throw ConfigError(fmt::format(
        "--max-shard-gb: has no effect with --format {}: only hf has shards", output.format));
  std::error_code ignored;
  if (fs::exists(output.path, ignored))
    throw ConfigError(fmt::format("--output {}: is there already", output.path));
  if (is_gguf && fs::exists(output.path + ".tmp", ignored))
    throw ConfigError(
        fmt::format("--output {0}: {0}.tmp, under which it is written first, is there "
                    "already: move it away",
                    output.path));
}

std::vector<NamedTensor> merged_weights(Policy& policy) {
  std::vector<NamedTensor> tensors;
  for (auto& weight : policy.model().merged_weights())
    tensors.push_back({weight.name, std::move(weight.tensor)});
  return tensors;
}

void require_transformer(const Policy& policy, const std::string& format) {
  const ModelOptions& options = policy.model().options();
  if (!options.is_transformer())
    throw ConfigError(fmt::format(
        "a policy of kind '{}' has no form that other tools know: --format {} is for models of the "
        "Llama or GPT-2 type",
        options.kind, format));
}

void write_hf(Policy& policy, const ModelOutputFlags& output) {
  HfWriteOptions options;
  if (output.dtype == "f16") options.dtype = at::kHalf;
  if (output.dtype == "bf16") options.dtype = at::kBFloat16;
  options.max_shard_bytes = static_cast<uint64_t>(output.max_shard_gb.value_or(kMaxShardGb) * 1e9);
  write_hf_folder(output.path, policy.model_files(), merged_weights(policy), options);
}

void write_gguf_file(Policy& policy, const ModelOutputFlags& output) {
  const auto* tokenizer = dynamic_cast<const HuggingFaceTokenizer*>(&policy.tokenizer());
  if (tokenizer == nullptr)
    throw ConfigError(
        "GGUF has no form for a tokenizer of kind char, byte or word: train with tokenizer.kind "
        "bpe, or export with --format hf");
  if (const int64_t window = policy.model().options().sliding_window; window > 0)
    spdlog::warn(
        "attention of this model sees {} tokens (sliding_window); the file says so, but llama.cpp "
        "lets it see all: its results differ for longer texts",
        window);
  const ModelFiles files = policy.model_files();
  GgufVocabulary vocabulary = gguf_vocabulary(files.tokenizer, tokenizer->settings());
  vocabulary.chat_template = files.chat_template;
  GgufWriteOptions options;
  options.dtype = output.dtype == "f16" ? "F16" : output.dtype == "q8_0" ? "Q8_0" : "F32";
  options.name = fs::path(output.path).stem().string();
  write_gguf(output.path, files.config, vocabulary, merged_weights(policy), options);
}

uint64_t size_of(const fs::path& path) {
  if (!fs::is_directory(path)) return fs::file_size(path);
  uint64_t total = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file()) total += entry.file_size();
  return total;
}

void write_model(Policy& policy, const ModelOutputFlags& output) {
  if (output.format == "peft") {
    write_lora_adapter(output.path, policy.adapter());
  } else {
    require_transformer(policy, output.format);
    if (output.format == "hf")
      write_hf(policy, output);
    else
      write_gguf_file(policy, output);
  }
  print(fmt::format("{}: {} ({}, {}), {} parameters\n", output.path,
                    format_bytes(size_of(output.path)), output.format, output.dtype,
                    output.format == "peft" ? trainable_count(policy.model().options())
                                            : parameter_count(policy.model().options())));
}

}  // namespace

int run_export(const ExportFlags& flags) {
  check_output(flags.output);
  const auto policy = open_policy(find_checkpoint(flags.source), flags.source.trained);
  const bool has_adapter = policy->model().options().lora.enabled();
  if (flags.output.format == "peft") {
    if (!has_adapter)
      throw ConfigError("--format peft: the policy has no adapter (model.lora); use hf or gguf");
    if (flags.merge)
      throw ConfigError("--merge with --format peft: a merged adapter is no adapter any more");
  } else if (has_adapter && !flags.merge) {
    throw ConfigError(
        fmt::format("--format {}: the policy is an adapter on {}; --merge adds it to the weights, "
                    "--format peft writes it alone",
                    flags.output.format, policy->adapter().base_model));
  } else if (!has_adapter && flags.merge) {
    throw ConfigError("--merge: the policy has no adapter (model.lora) to merge");
  }
  write_model(*policy, flags.output);
  return kExitDone;
}

int run_convert(const ConvertFlags& flags) {
  check_output(flags.output);
  for (const char* name : {"experiment.yaml", "checkpoints"})
    if (fs::exists(fs::path(flags.model) / name))
      throw ConfigError(fmt::format(
          "{}: is a run or checkpoint of pgtrain: use pgtrain export --checkpoint", flags.model));
  Policy policy(open_policy_source(flags.model, AdapterUse::kMerge), ValueNetwork::kNone, 0);
  write_model(policy, flags.output);
  return kExitDone;
}

}  // namespace pgtrain
