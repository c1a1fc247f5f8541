// Everything of an experiment that can be read and checked before the disk is touched.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataset/dataset.h"
#include "reward/reward.h"
#include "text/tokenizer.h"
#include "train/experiment.h"

namespace pgtrain {

struct PreparedExperiment {
  Dataset train;
  std::optional<Dataset> eval;
  // SHA-256 of the files of data and reward: a resumed run must see the same bytes.
  std::string data_digest;
  std::unique_ptr<Reward> reward;
  std::unique_ptr<Tokenizer> tokenizer;
  ModelOptions model;  // vocab_size filled in
};

using EmbedText = std::function<std::vector<float>(std::string_view text)>;

// Reads data, builds tokenizer and reward (which may call `embed` once it scores), checks targets
// against the reward, rollout.max_new_tokens and vocabulary sizes; warns about targets with unknown
// tokens. Throws ConfigError or DataError.
PreparedExperiment prepare(const ExperimentConfig& config, const EmbedText& embed);

// The same without anything that acts: nothing can be scored with the result.
PreparedExperiment check_experiment(const ExperimentConfig& config);

// The reward of an experiment; a ConfigError names the place of the key at fault.
std::unique_ptr<Reward> prepare_reward(const ExperimentConfig& config,
                                       const RewardContext& context);

}  // namespace pgtrain
