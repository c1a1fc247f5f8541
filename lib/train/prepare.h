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
#include "train/experiment.h"
#include "train/policy_source.h"

namespace pgtrain {

struct PreparedExperiment {
  Dataset train;
  std::optional<Dataset> eval;
  // SHA-256 of the files of data and reward: a resumed run must see the same bytes.
  std::string data_digest;
  std::unique_ptr<Reward> reward;
  PolicySource policy;
  int64_t longest_prompt = 1;  // tokens, of the training records
};

using EmbedText = std::function<std::vector<float>(std::string_view text)>;

// Reads data, learns the tokenizer or opens the pretrained model, builds the reward (which may call
// `embed` once it scores), checks prompts and targets against the reward, rollout.max_new_tokens,
// the model's positions and the vocabulary; warns about targets with unknown tokens. Throws
// ConfigError or DataError.
PreparedExperiment prepare(const ExperimentConfig& config, const EmbedText& embed);

// The same without anything that acts: nothing can be scored with the result.
PreparedExperiment check_experiment(const ExperimentConfig& config);

// The reward of an experiment; a ConfigError names the place of the key at fault.
std::unique_ptr<Reward> prepare_reward(const ExperimentConfig& config,
                                       const RewardContext& context);

}  // namespace pgtrain
