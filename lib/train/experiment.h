// The whole experiment file as typed structs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/dump.h"
#include "config/explain.h"
#include "config/load.h"
#include "config/section.h"
#include "dataset/dataset.h"
#include "nn/model_options.h"
#include "reward/reward.h"
#include "rollout/rollout_options.h"
#include "text/tokenizer.h"
#include "train/algorithm_options.h"
#include "train/fairness.h"
#include "train/optimizer.h"

namespace pgtrain {

struct RunOptions {
  std::string name = "run";
  std::string directory;  // empty = runs/<name>
  int64_t seed = 1;
  int64_t threads = 0;            // 0 = one for each core; never changes the results
  std::string parallel = "auto";  // auto | sequences | operators
  bool check_memory = true;
};

struct WarmupOptions {
  int64_t steps = 0;  // 0 = start the policy gradient from random weights
  int64_t batch_size = 64;
  double learning_rate = 3e-3;
};

struct TrainOptions {
  int64_t steps = 200;
  int64_t max_tokens = 0;
  int64_t micro_batch = 0;  // 0 = see split_work
  int64_t max_nonfinite_steps = 5;
  std::string overlong = "error";  // error | drop
};

struct EvalOptions {
  int64_t every = 20;
  int64_t max_records = 0;  // 0 = all
};

struct CheckpointOptions {
  int64_t every = 20;
  int64_t keep_last = 3;
  bool keep_best = true;
};

struct LogOptions {
  int64_t completions_per_step = 4;
  int64_t gradient_noise_every = 10;  // 0 = never
  bool tensorboard = true;
  int64_t histogram_every = 10;  // 0 = never
};

struct ExperimentConfig {
  RunOptions run;
  DataOptions data;
  TokenizerOptions tokenizer;
  ModelOptions model;
  WarmupOptions warmup;
  std::vector<RewardPartOptions> reward = {{}};
  RolloutOptions rollout;
  AlgorithmOptions algorithm;
  OptimizerOptions optimizer;
  TrainOptions train;
  EvalOptions eval;
  FairnessOptions fairness;
  CheckpointOptions checkpoint;
  LogOptions log;
  Loaded provenance;  // where each key was set, for messages; not part of the experiment
};

void describe(Section& section, ExperimentConfig& config);

// Reads, checks and completes an experiment: defaults < files from left to right < overrides
// ("a.b=c"). Relative paths in it are relative to the working directory. Throws ConfigError with
// every problem and its place.
ExperimentConfig load_experiment(const std::vector<std::filesystem::path>& files,
                                 const std::vector<std::string>& overrides);

// The resolved experiment as YAML; load_experiment reads it back to equal values.
std::string dump_experiment(ExperimentConfig config, bool changed_only = false);

// The experiment that a run recorded as resolved: config.yaml of its directory or experiment.yaml
// of a checkpoint. Single keys are checked, not how they fit together. Throws ConfigError when this
// version cannot read it.
ExperimentConfig read_resolved_experiment(const std::filesystem::path& file);

// Dotted key and canonical value of every key that applies, in the order of the file.
std::vector<std::pair<std::string, std::string>> settings_of(ExperimentConfig config);

// Keys that differ between two resolved experiments and that a run may not change half-way: "key:
// before -> now". Free to change: run.*, but not the seed and run.parallel, checkpoint.*,
// log.tensorboard, log.histogram_every, train.max_tokens, and train.steps as long as the learning
// rate does not depend on it.
std::vector<std::string> conflicting_keys(ExperimentConfig before, ExperimentConfig now);

}  // namespace pgtrain
