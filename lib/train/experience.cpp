#include "train/experience.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "rl/group_advantage.h"

namespace pgtrain {
namespace {

int64_t completion_tokens(const Rollout& rollout) {
  int64_t tokens = 0;
  for (const Completion& completion : rollout.completions)
    tokens += completion.sequence.completion_length();
  return tokens;
}

// Moves a group to the end of another rollout.
void move_group(Rollout& from, int64_t group, Rollout& to) {
  to.samples_per_prompt = from.samples_per_prompt;
  to.records.push_back(from.records[group]);
  for (int64_t i = group * from.samples_per_prompt; i < (group + 1) * from.samples_per_prompt;
       ++i) {
    to.completions.push_back(std::move(from.completions[i]));
    to.texts.push_back(std::move(from.texts[i]));
    to.scores.push_back(std::move(from.scores[i]));
  }
}

int64_t groups_of(const Rollout& rollout) { return static_cast<int64_t>(rollout.records.size()); }

// Splits a rollout's groups into those with and without spread in their rewards.
void sort_groups(Rollout& from, Rollout& informative, Rollout& flat) {
  const at::Tensor keep = informative_groups(rewards_of(from), from.samples_per_prompt);
  for (int64_t group = 0; group < groups_of(from); ++group)
    move_group(from, group, keep[group].item<bool>() ? informative : flat);
}

at::Tensor padded(const Rollout& rollout, const at::Tensor& mask,
                  const std::vector<float> Completion::*numbers) {
  at::Tensor result = at::zeros_like(mask);
  for (int64_t i = 0; i < rollout.size(); ++i) {
    const std::vector<float>& row = rollout.completions[i].*numbers;
    std::copy(row.begin(), row.end(), result.data_ptr<float>() + i * mask.size(1));
  }
  return result;
}

}  // namespace

at::Tensor rewards_of(const Rollout& rollout) {
  at::Tensor rewards = at::empty({rollout.size()});
  for (int64_t i = 0; i < rollout.size(); ++i) {
    const auto reward = static_cast<float>(rollout.scores[i].total);
    if (!std::isfinite(reward))
      throw DivergenceError(
          fmt::format("the reward of completion {} ('{}') is not finite", i, rollout.texts[i]));
    rewards.data_ptr<float>()[i] = reward;
  }
  return rewards;
}

at::Tensor parts_of(const Rollout& rollout) {
  const auto parts =
      static_cast<int64_t>(rollout.scores.empty() ? 0 : rollout.scores[0].parts.size());
  at::Tensor result = at::empty({rollout.size(), parts});
  for (int64_t i = 0; i < rollout.size(); ++i)
    for (int64_t part = 0; part < parts; ++part)
      result.data_ptr<float>()[i * parts + part] =
          static_cast<float>(rollout.scores[i].parts[part]);
  return result;
}

SequenceBatch sequences_of(const Rollout& rollout) {
  SequenceBatch batch;
  bool truncated = false;
  for (const Completion& completion : rollout.completions) {
    batch.sequences.push_back(&completion.sequence);
    batch.kept.push_back(&completion.kept);
    truncated = truncated || !completion.kept.empty();
  }
  if (!truncated) batch.kept.clear();
  return batch;
}

at::Tensor sampled_log_probs(const Rollout& rollout, const at::Tensor& mask) {
  return padded(rollout, mask, &Completion::log_probs);
}

at::Tensor sampled_values(const Rollout& rollout, const at::Tensor& mask) {
  return padded(rollout, mask, &Completion::values);
}

at::Tensor finished_mask(const Rollout& rollout, const at::Tensor& mask) {
  at::Tensor result = mask.clone();
  for (int64_t i = 0; i < rollout.size(); ++i)
    if (!rollout.completions[i].finished) result.select(0, i).zero_();
  return result;
}

Collector::Collector(const ExperimentConfig& config, const Policy& policy, WorkerPool& pool,
                     const Dataset& data, const Reward& reward)
    : config_(config),
      policy_(policy),
      pool_(pool),
      data_(data),
      reward_(reward),
      rng_(static_cast<uint64_t>(config.run.seed), Purpose::kSample) {}

Experience Collector::collect(PromptCursor& cursor, uint64_t step) const {
  Experience experience;
  experience.rollout = sample(cursor.next(config_.rollout.prompts_per_step), step, 0);
  experience.generated_tokens = completion_tokens(experience.rollout);
  experience.work = experience.rollout.work;
  if (config_.algorithm.resample_rounds > 0) resample(experience, cursor, step);
  experience.rewards = rewards_of(experience.rollout);
  if (config_.algorithm.baseline == "greedy") {
    const Rollout best = greedy(experience.rollout.records);
    experience.generated_tokens += completion_tokens(best);
    experience.work += best.work;
    experience.greedy_rewards = rewards_of(best);
  }
  return experience;
}

void Collector::resample(Experience& experience, PromptCursor& cursor, uint64_t step) const {
  const int64_t wanted = groups_of(experience.rollout);
  Rollout informative, flat;
  sort_groups(experience.rollout, informative, flat);
  while (groups_of(informative) < wanted &&
         experience.resample_rounds < config_.algorithm.resample_rounds) {
    const auto round = static_cast<uint32_t>(++experience.resample_rounds);
    Rollout more = sample(cursor.next(wanted - groups_of(informative)), step, round);
    experience.generated_tokens += completion_tokens(more);
    experience.work += more.work;
    sort_groups(more, informative, flat);
  }
  const int64_t missing = wanted - groups_of(informative);
  experience.replaced_groups = groups_of(flat) - missing;
  for (int64_t group = 0; group < missing; ++group) move_group(flat, group, informative);
  experience.rollout = std::move(informative);
}

Rollout Collector::sample(const std::vector<int64_t>& records, uint64_t step,
                          uint32_t round) const {
  const RolloutOptions& rollout = config_.rollout;
  GenerationOptions options;
  options.max_new_tokens = rollout.max_new_tokens;
  options.end_ids = policy_.tokenizer().end_ids();
  options.sampler = sampler_options(rollout);
  options.record_kept = true;
  const auto in_a_step =
      static_cast<uint32_t>(rollout.prompts_per_step * rollout.samples_per_prompt);
  return pgtrain::collect(policy_, pool_, data_, reward_, records, rollout.samples_per_prompt,
                          rollout.shard_size, options, {&rng_, step, round * in_a_step});
}

Rollout Collector::greedy(const std::vector<int64_t>& records) const {
  GenerationOptions options;
  options.max_new_tokens = config_.rollout.max_new_tokens;
  options.end_ids = policy_.tokenizer().end_ids();
  options.sampler.temperature = 0;
  return pgtrain::collect(policy_, pool_, data_, reward_, records, 1, config_.rollout.shard_size,
                          options, {&rng_, 0, 0});
}

}  // namespace pgtrain
