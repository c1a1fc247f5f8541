#include "train/trainer.h"

#include <ATen/ATen.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "core/log.h"
#include "core/signals.h"
#include "rl/group_advantage.h"
#include "rl/loss.h"
#include "rl/returns.h"
#include "tensor/blas.h"
#include "tensor/masked.h"
#include "train/evaluation.h"

namespace pgtrain {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kWarmup = "warmup";
constexpr const char* kTrain = "train";
constexpr uint64_t kMaxStateBytes = uint64_t{16} << 20;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Aggregation aggregation_of(const std::string& name) {
  if (name == "token_mean") return Aggregation::kTokenMean;
  if (name == "sequence_mean_token_mean") return Aggregation::kSequenceMeanTokenMean;
  if (name == "fixed_normaliser") return Aggregation::kFixedNormaliser;
  return Aggregation::kSequenceMeanTokenSum;
}

std::vector<const Sequence*> sequences_of(const Rollout& rollout) {
  std::vector<const Sequence*> sequences;
  for (const Completion& completion : rollout.completions)
    sequences.push_back(&completion.sequence);
  return sequences;
}

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

at::Tensor values_of(const Rollout& rollout, const at::Tensor& mask) {
  at::Tensor values = at::zeros_like(mask);
  for (int64_t i = 0; i < rollout.size(); ++i)
    std::copy(rollout.completions[i].values.begin(), rollout.completions[i].values.end(),
              values.data_ptr<float>() + i * values.size(1));
  return values;
}

// Largest |log pi when sampled - log pi in the update|: on policy it is rounding only. Anything
// larger is a bug in one of the two.
double largest_log_prob_gap(const Rollout& rollout, const UpdateResult& result) {
  double gap = 0;
  for (int64_t i = 0; i < rollout.size(); ++i) {
    const auto& sampled = rollout.completions[i].log_probs;
    const float* trained = result.log_probs[i].data_ptr<float>();
    for (size_t t = 0; t < sampled.size(); ++t)
      gap = std::max(gap, std::abs(static_cast<double>(sampled[t] - trained[t])));
  }
  return gap;
}

int64_t completion_tokens(const Rollout& rollout) {
  int64_t tokens = 0;
  for (const Completion& completion : rollout.completions)
    tokens += completion.sequence.completion_length();
  return tokens;
}

// More workers than shards in a step would only hold gradients of their own.
int workers_for(const ExperimentConfig& config) {
  const auto shards = [](int64_t items, int64_t size) { return (items + size - 1) / size; };
  const RolloutOptions& rollout = config.rollout;
  const int64_t groups = groups_per_shard(rollout.shard_size, rollout.samples_per_prompt);
  const int64_t most = std::max(
      {shards(rollout.prompts_per_step, groups),
       shards(rollout.prompts_per_step * rollout.samples_per_prompt, config.train.micro_batch),
       shards(config.warmup.batch_size, config.train.micro_batch)});
  return static_cast<int>(std::min<int64_t>(usable_threads(config.run.threads), most));
}

// Without flushing: the checkpoint store does that for all files of a checkpoint.
void write_text(const std::filesystem::path& path, const std::string& text) {
  OutputFile file(path);
  file.write(text.data(), text.size());
}

}  // namespace

struct Trainer::StepTimes {
  double collect = 0;
  double update = 0;
  double total = 0;
};

Trainer::Trainer(const ExperimentConfig& config)
    : config_(config),
      experiment_(prepare(config)),
      pool_(workers_for(config), use_one_thread),
      ema_(config.algorithm.ema_decay),
      sample_rng_(static_cast<uint64_t>(config.run.seed), Purpose::kSample) {
  const auto seed = static_cast<uint64_t>(config_.run.seed);
  policy_ = std::make_unique<Policy>(std::move(experiment_.tokenizer), experiment_.model,
                                     config_.algorithm.baseline == "value", seed);
  directory_ = std::make_unique<RunDirectory>(config_);
  log_to_file(*directory_ / "train.log");
  checkpoints_ = std::make_unique<CheckpointStore>(*directory_ / "checkpoints");
  make_directories(checkpoints_->directory());
  checkpoints_->clean();
  learner_ =
      std::make_unique<Learner>(*policy_, pool_, config_.optimizer, config_.train.micro_batch);
  state_.phase = config_.warmup.steps > 0 ? kWarmup : kTrain;
  if (const auto latest = checkpoints_->latest())
    resume(*latest);
  else
    start_cursor();
  directory_->record(config_);
  restore_links();
  metrics_ = std::make_unique<JsonlSink>(*directory_ / "metrics.jsonl", state_.metrics_length);
  completions_ =
      std::make_unique<JsonlSink>(*directory_ / "completions.jsonl", state_.completions_length);
  std::error_code missing;
  const auto timing_length = std::filesystem::file_size(*directory_ / "timing.jsonl", missing);
  timing_ = std::make_unique<JsonlSink>(*directory_ / "timing.jsonl", missing ? 0 : timing_length);
}

Trainer::~Trainer() = default;

// ---- set-up ----

void Trainer::resume(const std::filesystem::path& checkpoint) {
  const auto state_file = checkpoint / "state.json";
  check_same_run(checkpoint / "experiment.yaml", config_);
  state_ = RunState::from_json(read_file(state_file, kMaxStateBytes), state_file.string());
  if (read_file(checkpoint / "data.sha256") != experiment_.data_digest)
    throw DataError(
        fmt::format("{}: {} or the evaluation data has changed since this checkpoint, so the run "
                    "cannot go on exactly; "
                    "restore the file or start another run",
                    checkpoint.string(), config_.data.train));
  // The same data may give another vocabulary with another version of a library.
  const auto tokenizer_file = checkpoint / "tokenizer.json";
  if (nlohmann::json::parse(read_file(tokenizer_file), nullptr, false) !=
      policy_->tokenizer().to_json())
    throw DataError(
        fmt::format("{}: is not the tokenizer that this version learns from the data, so the run "
                    "cannot go on exactly; "
                    "start another run",
                    tokenizer_file.string()));
  if (state_.phase == kTrain && state_.step > config_.train.steps)
    throw ConfigError(fmt::format("train.steps is {}, but {} has finished {} steps already",
                                  config_.train.steps, checkpoint.string(), state_.step));
  policy_->read_parameters(checkpoint / "model.safetensors");
  copy_into(TensorFile::open(checkpoint / "optimizer.safetensors"), learner_->optimizer().state());
  learner_->optimizer().set_steps(state_.optimizer_steps);
  ema_.restore(state_.ema_baseline, state_.ema_count);
  start_cursor();
  cursor_->restore({state_.cursor_epoch, state_.cursor_position});
  saved_as_ = checkpoint_name(state_.phase, state_.step);
  spdlog::info("resuming from {}", checkpoint.string());
}

// ---- the loop ----

TrainOutcome Trainer::run() {
  spdlog::info("{}: {} records, vocabulary {}, {} parameters, {} threads",
               directory_->path().string(), experiment_.train.size(),
               policy_->tokenizer().vocab_size(), parameter_count(policy_->model().options()),
               pool_.size());
  started_ = Clock::now();
  if (state_.phase == kWarmup) warm_up();
  if (state_.phase == kTrain) {
    started_ = Clock::now();
    started_step_ = state_.step;
    if (state_.step == 0 && saved_as_ != checkpoint_name(kTrain, 0)) {
      evaluate_if_due();
      save();
    }
    while (state_.step < config_.train.steps && !StopFlag::raised()) train_step();
  }
  progress_.finish();
  if (saved_as_ != checkpoint_name(state_.phase, state_.step)) save();
  outcome_.exit_code = state_.phase == kTrain && state_.step >= config_.train.steps
                           ? kExitDone
                           : StopFlag::exit_code();
  outcome_.step = state_.phase == kTrain ? state_.step : 0;
  if (state_.has_best) {
    outcome_.best_reward = state_.best_score;
    outcome_.best_step = state_.best_step;
  }
  return outcome_;
}

void Trainer::warm_up() {
  started_step_ = state_.step;
  while (state_.step < config_.warmup.steps && !StopFlag::raised()) warmup_step();
  if (state_.step < config_.warmup.steps) return;
  state_.phase = kTrain;
  state_.step = 0;
  learner_->reset_optimizer();
  start_cursor();
}

// A kill may have come between a checkpoint's rename and its links.
void Trainer::restore_links() {
  if (saved_as_.empty()) return;
  const bool is_best = state_.has_best && state_.phase == kTrain && state_.step == state_.best_step;
  if (is_best && config_.checkpoint.keep_best && checkpoints_->target("best") != saved_as_)
    checkpoints_->point("best", saved_as_);
  if (checkpoints_->target("latest") != saved_as_) checkpoints_->point("latest", saved_as_);
}

void Trainer::start_cursor() {
  cursor_ = std::make_unique<PromptCursor>(
      experiment_.train.size(), static_cast<uint64_t>(config_.run.seed),
      state_.phase == kWarmup ? Purpose::kWarmup : Purpose::kShuffle);
}

void Trainer::warmup_step() {
  const auto begin = Clock::now();
  std::vector<Sequence> sequences;
  for (const int64_t index : cursor_->next(config_.warmup.batch_size)) {
    const Record& record = experiment_.train[index];
    Sequence sequence;
    sequence.tokens = encode_prompt(policy_->tokenizer(), record.prompt);
    sequence.prompt_length = static_cast<int64_t>(sequence.tokens.size());
    for (const int64_t id : policy_->tokenizer().encode(record.targets[0]))
      sequence.tokens.push_back(id);
    sequence.tokens.push_back(Tokenizer::eos_id());
    sequences.push_back(std::move(sequence));
  }
  // Cross-entropy is the policy-gradient loss with every advantage 1.
  UpdateBatch batch;
  for (const Sequence& sequence : sequences) batch.sequences.push_back(&sequence);
  const at::Tensor mask = completion_mask(batch.sequences);
  batch.advantages = mask;
  batch.policy_weights = token_weights(mask, Aggregation::kTokenMean);
  batch.entropy_weights = batch.policy_weights;
  const UpdateResult result = learner_->update(batch, config_.warmup.learning_rate);
  check_finite(result);
  ++state_.step;
  Row row;
  row.set("phase", kWarmup);
  row.set("step", state_.step);
  row.set("loss", result.policy_loss);
  row.set("grad_norm", result.grad_norm);
  metrics_->write(row);
  const double tokens = mask.sum().item<double>();
  progress_.update(
      fmt::format("warm-up {}/{}  loss {:.4f}  {} tok/s", state_.step, config_.warmup.steps,
                  result.policy_loss, format_rate(tokens / seconds_since(begin))),
      state_.step == config_.warmup.steps);
  if (state_.step % config_.checkpoint.every == 0 && state_.step < config_.warmup.steps) save();
}

void Trainer::train_step() {
  const auto begin = Clock::now();
  const Rollout rollout = collect_rollout(cursor_->next(config_.rollout.prompts_per_step));
  StepTimes times;
  times.collect = seconds_since(begin);
  Row row;
  row.set("phase", kTrain);
  row.set("step", state_.step + 1);
  const UpdateBatch batch = advantages(rollout, row);
  const double learning_rate = config_.optimizer.learning_rate *
                               schedule_factor(config_.optimizer.schedule, state_.step,
                                               config_.train.steps, config_.optimizer.warmup_steps);
  const auto update_begin = Clock::now();
  const UpdateResult result = learner_->update(batch, learning_rate);
  times.update = seconds_since(update_begin);
  check_finite(result);
  ++state_.step;
  state_.num_tokens += completion_tokens(rollout);
  row.set("loss", result.policy_loss + config_.algorithm.value_coef * result.value_loss -
                      config_.algorithm.entropy_coef * result.entropy);
  row.set("policy_loss", result.policy_loss);
  if (batch.returns.defined()) row.set("value_loss", result.value_loss);
  row.set("entropy", result.entropy);
  row.set("grad_norm", result.grad_norm);
  row.set("learning_rate", learning_rate);
  row.set("sampling/sampling_logp_difference/max", largest_log_prob_gap(rollout, result));
  row.set("num_tokens", state_.num_tokens);
  row.set("nonfinite_steps", state_.nonfinite_total);
  times.total = seconds_since(begin);
  report(row, rollout, batch, times);
  evaluate_if_due();
  if (state_.step % config_.checkpoint.every == 0 || (best_is_new_ && config_.checkpoint.keep_best))
    save();
}

Rollout Trainer::collect_rollout(const std::vector<int64_t>& records) {
  GenerationOptions options;
  options.max_new_tokens = config_.rollout.max_new_tokens;
  options.eos_id = Tokenizer::eos_id();
  options.sampler.temperature = config_.rollout.temperature;
  return collect(*policy_, pool_, experiment_.train, *experiment_.reward, records,
                 config_.rollout.samples_per_prompt, config_.rollout.shard_size, options,
                 sample_rng_, static_cast<uint64_t>(state_.step));
}

UpdateBatch Trainer::advantages(const Rollout& rollout, Row& row) {
  const AlgorithmOptions& algorithm = config_.algorithm;
  UpdateBatch batch;
  batch.sequences = sequences_of(rollout);
  const at::Tensor mask = completion_mask(batch.sequences);
  const at::Tensor rewards = rewards_of(rollout);
  at::Tensor advantage;  // [batch] or [batch, time]
  add_rollout_metrics(row, "", rollout, experiment_.reward->part_names());
  if (rollout.samples_per_prompt > 1)
    row.set("frac_reward_zero_std", zero_spread_fraction(rewards, rollout.samples_per_prompt));
  if (algorithm.baseline == "value") {
    const at::Tensor values = values_of(rollout, mask);
    advantage =
        gae(terminal_rewards(rewards, mask), values, mask, algorithm.gamma, algorithm.gae_lambda);
    batch.returns = advantage + values;
    row.set("baseline", masked_mean(values, mask).item<double>());
    row.set("explained_variance", explained_variance(values, batch.returns, mask));
  } else {
    if (algorithm.baseline == "ema")
      advantage = ema_.advantage(rewards);
    else if (algorithm.baseline == "batch_mean")
      advantage = batch_mean_advantage(rewards);
    else if (algorithm.baseline == "leave_one_out")
      advantage = leave_one_out_advantage(rewards, rollout.samples_per_prompt);
    else
      advantage = plain_advantage(rewards);
    row.set("baseline", (rewards - advantage).mean().item<double>());
  }
  const at::Tensor counted = advantage.dim() == 2 ? mask : at::ones_like(advantage);
  if (algorithm.whiten_advantages) advantage = masked_whiten(advantage, counted, true);
  advantage = advantage * algorithm.advantage_scale;
  row.set("advantage_std", std::sqrt(masked_variance(advantage, counted, true).item<double>()));
  batch.advantages = advantage.dim() == 2 ? advantage : advantage.unsqueeze(1) * mask;
  batch.policy_weights = token_weights(mask, aggregation_of(algorithm.aggregation),
                                       static_cast<double>(config_.rollout.max_new_tokens));
  batch.entropy_weights = token_weights(mask, Aggregation::kTokenMean);
  batch.temperature = config_.rollout.temperature;
  batch.entropy_coef = algorithm.entropy_coef;
  batch.value_coef = algorithm.value_coef;
  return batch;
}

void Trainer::check_finite(const UpdateResult& result) {
  if (result.finite) {
    state_.nonfinite_in_a_row = 0;
    return;
  }
  ++state_.nonfinite_in_a_row;
  ++state_.nonfinite_total;
  spdlog::warn(
      "{} step {}: the loss ({}) or gradient norm ({}) is not finite; the update is skipped",
      state_.phase, state_.step + 1, result.policy_loss, result.grad_norm);
  if (state_.nonfinite_in_a_row >= config_.train.max_nonfinite_steps)
    throw DivergenceError(
        fmt::format("{} step {}: {} steps in a row were not finite: lower the learning rate; the "
                    "last checkpoint "
                    "in {} is intact",
                    state_.phase, state_.step + 1, state_.nonfinite_in_a_row,
                    checkpoints_->directory().string()));
}

void Trainer::report(const Row& row, const Rollout& rollout, const UpdateBatch& batch,
                     const StepTimes& times) {
  metrics_->write(row);
  write_completions(kTrain, rollout, &batch.advantages);
  const int64_t tokens = completion_tokens(rollout);
  const double tokens_per_second = static_cast<double>(tokens) / times.total;
  Row timing;
  timing.set("step", state_.step);
  timing.set("step_time", times.total);
  timing.set("tokens", tokens);
  timing.set("collect_time", times.collect);
  timing.set("update_time", times.update);
  timing.set("tokens_per_second", tokens_per_second);
  timing_->write(timing);
  const double per_step =
      seconds_since(started_) / static_cast<double>(state_.step - started_step_);
  progress_.update(
      fmt::format(
          "step {}/{}  reward {:.4f}  baseline {:.4f}  entropy {:.3f}  length {:.1f}  {} tok/s  "
          "ETA {}",
          state_.step, config_.train.steps, row.number("reward"), row.number("baseline"),
          row.number("entropy"), row.number("completions/mean_length"),
          format_rate(tokens_per_second),
          format_duration(per_step * static_cast<double>(config_.train.steps - state_.step))),
      state_.step == config_.train.steps);
}

void Trainer::write_completions(const char* phase, const Rollout& rollout,
                                const at::Tensor* advantages) {
  const int64_t count = std::min(config_.log.completions_per_step, rollout.size());
  for (int64_t i = 0; i < count; ++i) {
    const int64_t index = i * rollout.size() / count;  // spread over the whole batch
    Row row = completion_row(phase, state_.step, rollout, index,
                             phase == std::string(kTrain) ? experiment_.train : *experiment_.eval,
                             experiment_.reward->part_names());
    const int64_t length = rollout.completions[index].sequence.completion_length();
    if (advantages != nullptr && length > 0)
      row.set("advantage", advantages->select(0, index).narrow(0, 0, length).mean().item<double>());
    completions_->write(row);
  }
}

void Trainer::evaluate_if_due() {
  const int64_t every = config_.eval.every;
  if (!experiment_.eval || every == 0) return;
  if (state_.step % every != 0 && state_.step != config_.train.steps) return;
  const Rollout rollout =
      evaluate(*policy_, pool_, *experiment_.eval, *experiment_.reward, config_.eval.max_records,
               config_.rollout.shard_size, config_.rollout.max_new_tokens);
  Row row;
  row.set("phase", "eval");
  row.set("step", state_.step);
  add_rollout_metrics(row, "eval_", rollout, experiment_.reward->part_names());
  metrics_->write(row);
  write_completions("eval", rollout, nullptr);
  const double reward = row.number("eval_reward");
  outcome_.eval_reward = reward;
  if (!state_.has_best || reward > state_.best_score) {
    state_.has_best = true;
    state_.best_score = reward;
    state_.best_step = state_.step;
    best_is_new_ = true;
  }
  progress_.clear();
  spdlog::info("step {}: eval reward {:.4f} over {} records (best {:.4f} at step {})", state_.step,
               reward, rollout.size(), state_.best_score, state_.best_step);
}

void Trainer::save() {
  if (!learner_->is_finite())
    throw DivergenceError(
        fmt::format("{} step {}: the weights or the optimiser's moments are not finite; the last "
                    "checkpoint in {} is "
                    "intact",
                    state_.phase, state_.step, checkpoints_->directory().string()));
  state_.cursor_epoch = cursor_->state().epoch;
  state_.cursor_position = cursor_->state().position;
  state_.optimizer_steps = learner_->optimizer().steps();
  state_.ema_baseline = ema_.value();
  state_.ema_count = ema_.count();
  // The rows must be on the disk before a checkpoint counts on them.
  state_.metrics_length = metrics_->sync();
  state_.completions_length = completions_->sync();
  const std::string name = checkpoint_name(state_.phase, state_.step);
  checkpoints_->save(name, [&](const std::filesystem::path& folder) {
    policy_->write(folder);
    write_tensor_file(folder / "optimizer.safetensors", learner_->optimizer().state());
    write_text(folder / "state.json", state_.to_json());
    write_text(folder / "experiment.yaml", dump_experiment(config_));
    write_text(folder / "data.sha256", experiment_.data_digest);
  });
  if (best_is_new_ && config_.checkpoint.keep_best && state_.best_step == state_.step)
    checkpoints_->point("best", name);
  best_is_new_ = false;
  checkpoints_->point("latest", name);
  checkpoints_->retain(config_.checkpoint.keep_last);
  saved_as_ = name;
}

}  // namespace pgtrain
