// The commands that need tensors: what their flags hold and what runs. `pgtrain` itself is linked
// without LibTorch, whose start-up takes half a second: there each of these functions replaces the
// process by pgtrain-engine, which is the same program with LibTorch (engine.cpp).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "rollout/sampler.h"

namespace pgtrain {

struct TrainFlags {
  std::vector<std::filesystem::path> configs;
  std::vector<std::string> overrides;
  std::optional<int64_t> until;
  bool json = false;
};
int run_train(const TrainFlags& flags);

struct BenchFlags {
  std::vector<std::filesystem::path> configs;
  std::vector<std::string> overrides;
  int64_t steps = 5;
  bool json = false;
};
int run_bench(const BenchFlags& flags);

int run_doctor(bool json);

// --checkpoint, --which and --trained.
struct CheckpointFlags {
  std::string path;
  std::string which = "best";
  bool trained = false;
};

struct EvalFlags {
  CheckpointFlags source;
  std::vector<std::string> overrides;
  std::string output;
  bool allow_command = false;
  bool json = false;
};
int run_eval(const EvalFlags& flags);

// Which policy writes, and how.
struct GenerationFlags {
  CheckpointFlags source;
  int64_t max_new_tokens = 256;
  uint64_t seed = 0;
  int threads = 0;
  bool greedy = false;
  bool chat = false;         // by the model's chat template
  bool prefer_chat = false;  // the same, where the model has one
  std::string system;
  SamplerOptions sampler;
};

struct SampleFlags {
  GenerationFlags generation;
  std::vector<std::string> prompts;
  std::string prompt_file;
  int64_t count = 1;
  bool json = false;
};
int run_sample(const SampleFlags& flags);

int run_chat(const GenerationFlags& flags);

// Where a model goes and in which form.
struct ModelOutputFlags {
  std::string path;
  std::string format;  // hf, gguf or peft
  std::string dtype = "f32";
  std::optional<double> max_shard_gb;  // of hf only; not given: 5
};

struct ExportFlags {
  CheckpointFlags source;
  ModelOutputFlags output;
  bool merge = false;
};
int run_export(const ExportFlags& flags);

struct ConvertFlags {
  std::string model;
  ModelOutputFlags output;
};
int run_convert(const ConvertFlags& flags);

struct InspectFlags {
  std::string model;
  bool tensors = false;
  bool json = false;
};
int run_inspect(const InspectFlags& flags);

struct ValidateFlags {
  std::vector<std::filesystem::path> configs;
  std::vector<std::string> overrides;
  bool quick = false;
};
int run_validate(const ValidateFlags& flags);

}  // namespace pgtrain
