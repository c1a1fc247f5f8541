#include "train/trainer.h"

#include <ATen/ATen.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/signals.h"
#include "metrics/row_reader.h"
#include "rl/group_advantage.h"
#include "tensor/blas.h"
#include "tensor/masked.h"
#include "train/evaluation.h"
#include "train/memory_estimate.h"
#include "train/step_flops.h"
#include "train/supervised.h"
#include "train/update_metrics.h"

namespace pgtrain {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kWarmup = "warmup";
constexpr const char* kTrain = "train";
constexpr const char* kStartFile = "start.safetensors";
constexpr const char* kAverageFile = "average.safetensors";
constexpr uint64_t kMaxStateBytes = uint64_t{16} << 20;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

ValueNetwork value_network_of(const AlgorithmOptions& algorithm) {
  if (algorithm.baseline != "value") return ValueNetwork::kNone;
  return algorithm.value_network == "separate" ? ValueNetwork::kSeparate : ValueNetwork::kShared;
}

KlController controller_of(const KlOptions& kl) {
  return kl.controller == "adaptive" ? KlController(kl.coef, kl.target, kl.horizon)
                                     : KlController(kl.coef);
}

AdaptiveEntropy entropy_control_of(const AlgorithmOptions& algorithm) {
  AdaptiveEntropyOptions options;
  options.target = algorithm.entropy_target;
  return {algorithm.entropy_coef, options};
}

// The start policy has a file of its own only when it is the reference to the end.
bool keeps_start(const AlgorithmOptions& algorithm) {
  return algorithm.uses_reference() && algorithm.kl.reference == "start" &&
         algorithm.kl.refresh_every == 0;
}

void add_work(StepTimes& times, const Experience& experience, const UpdateWork& update,
              int workers) {
  times.tokens = experience.generated_tokens;
  times.decode = experience.work.decode_seconds / workers;
  times.score = experience.work.score_seconds / workers;
  times.decode_flops = experience.work.decode_flops;
  times.gradient = update.gradient_seconds;
  times.optimizer = update.optimizer_seconds;
  times.update_flops = update.flops;
}

// Without flushing: the checkpoint store does that for all files of a checkpoint.
void write_text(const std::filesystem::path& path, const std::string& text) {
  OutputFile file(path);
  file.write(text.data(), text.size());
}

}  // namespace

Trainer::Trainer(const ExperimentConfig& config)
    : config_(config),
      experiment_(prepare(
          config,
          [this](std::string_view text) { return embedder_.embed(policy_->tokenizer(), text); })),
      split_(split_work(config, experiment_.policy.model, experiment_.longest_prompt)),
      pool_(useful_workers(config, split_, usable_threads(config.run.threads)), use_one_thread),
      estimator_(config.algorithm),
      mini_batch_rng_(static_cast<uint64_t>(config.run.seed), Purpose::kMiniBatch),
      kl_controller_(controller_of(config.algorithm.kl)),
      entropy_control_(entropy_control_of(config.algorithm)),
      drift_(config.fairness) {
  // Recorded as what they are: what "auto" means may change, a run may not.
  config_.run.parallel = name_of(split_.parallelism);
  config_.train.micro_batch = split_.micro_batch;
  if (config_.run.check_memory)
    check_memory(estimate_memory(config_, experiment_, pool_.size()), available_memory());
  policy_ =
      std::make_unique<Policy>(std::move(experiment_.policy), value_network_of(config_.algorithm),
                               static_cast<uint64_t>(config_.run.seed));
  policy_->set_parallelism(split_.parallelism);
  base_digest_ = policy_->frozen_digest();
  collector_ =
      std::make_unique<Collector>(config_, *policy_, pool_, experiment_.train, *experiment_.reward);
  // A reference that cannot be used must be told of before the disk is touched.
  if (config_.algorithm.uses_reference())
    reference_ = std::make_unique<ReferenceModel>(config_.algorithm.kl, policy_->copy());
  directory_ = std::make_unique<RunDirectory>(config_);
  log_to_file(*directory_ / "train.log");
  checkpoints_ = std::make_unique<CheckpointStore>(*directory_ / "checkpoints");
  make_directories(checkpoints_->directory());
  checkpoints_->clean();
  learner_ = std::make_unique<Learner>(*policy_, pool_, config_.optimizer, split_.micro_batch,
                                       static_cast<uint64_t>(config_.run.seed));
  state_.phase = config_.warmup.steps > 0 ? kWarmup : kTrain;
  if (const auto latest = checkpoints_->latest()) {
    resume(*latest);
  } else {
    start_cursor();
    if (state_.phase == kTrain) begin_training();
  }
  freeze_embedder();
  directory_->record(config_);
  restore_links();
  log_ = std::make_unique<RunLog>(*directory_, config_, state_, experiment_.reward->part_names());
  drift_.read_first(*directory_ / "metrics.jsonl");
}

Trainer::~Trainer() = default;

// ---- set-up ----

void Trainer::resume(const std::filesystem::path& checkpoint) {
  const auto state_file = checkpoint / "state.json";
  check_same_run(checkpoint / "experiment.yaml", config_);
  state_ = RunState::from_json(read_file(state_file, kMaxStateBytes), state_file.string());
  if (read_file(checkpoint / "data.sha256") != experiment_.data_digest)
    throw DataError(
        fmt::format("{}: {}, the evaluation data or a reward's words_file has changed since this "
                    "checkpoint, so the run cannot go on exactly; "
                    "restore the file or start another run",
                    checkpoint.string(), config_.data.train));
  if (!base_digest_.empty() && read_file(checkpoint / Policy::kBaseFile) != base_digest_)
    throw DataError(
        fmt::format("{}: the base model {} has changed since this checkpoint, so the run cannot go "
                    "on exactly; restore it or start another run",
                    checkpoint.string(), config_.model.path));
  // The same data may give another vocabulary with another version of a library.
  const auto tokenizer_file = checkpoint / "tokenizer.json";
  if (nlohmann::json::parse(read_file(tokenizer_file), nullptr, false) !=
      policy_->model_files().tokenizer)
    throw DataError(
        fmt::format("{}: is not the tokenizer that this version learns from the data or finds in "
                    "the model, so the run "
                    "cannot go on exactly; "
                    "start another run",
                    tokenizer_file.string()));
  if (state_.phase == kTrain && state_.step > config_.train.steps)
    throw ConfigError(fmt::format("train.steps is {}, but {} has finished {} steps already",
                                  config_.train.steps, checkpoint.string(), state_.step));
  policy_->read(checkpoint);
  copy_into(TensorFile::open(checkpoint / "optimizer.safetensors"), learner_->optimizer().state());
  learner_->optimizer().set_steps(state_.optimizer_steps);
  if (Embedder::is_in(checkpoint)) embedder_.read(checkpoint, *policy_);
  estimator_.ema().restore(state_.ema_baseline, state_.ema_count);
  kl_controller_.restore(state_.kl_coef);
  entropy_control_.restore(state_.entropy_coef);
  if (state_.phase == kTrain) resume_others(checkpoint);
  start_cursor();
  cursor_->restore({state_.cursor_epoch, state_.cursor_position});
  saved_as_ = checkpoint_name(state_.phase, state_.step);
  spdlog::info("resuming from {}", checkpoint.string());
}

// The policy is about to make its first policy-gradient step.
void Trainer::begin_training() {
  policy_->restart_value_network();
  if (config_.optimizer.ema_decay > 0) average_ = policy_->copy();
  if (!reference_) return;
  std::shared_ptr<const Policy> start;
  if (keeps_start(config_.algorithm)) {
    const StartPolicy frozen = StartPolicy::freeze(*policy_, *directory_ / kStartFile);
    state_.start_digest = frozen.digest();
    start = frozen.shared();
  } else {
    start = policy_->copy();
  }
  reference_ = std::make_unique<ReferenceModel>(config_.algorithm.kl, start);
  state_.reference_digest = reference_->digest();
}

// The frozen and averaged policies beside the one that is trained.
void Trainer::resume_others(const std::filesystem::path& checkpoint) {
  if (config_.optimizer.ema_decay > 0) {
    average_ = policy_->copy();
    average_->read_parameters(checkpoint / kAverageFile);
  }
  if (!reference_) return;
  if (keeps_start(config_.algorithm)) {
    const StartPolicy frozen =
        StartPolicy::open(*policy_, *directory_ / kStartFile, state_.start_digest);
    reference_ = std::make_unique<ReferenceModel>(config_.algorithm.kl, frozen.shared());
  }
  reference_->read(checkpoint);
  if (reference_->digest() != state_.reference_digest)
    throw DataError(
        fmt::format("{}: algorithm.kl.reference ({}) has changed since this "
                    "checkpoint, so the run cannot go on exactly",
                    checkpoint.string(), config_.algorithm.kl.reference));
}

// ---- the loop ----

bool Trainer::is_done() const {
  const TrainOptions& limits = config_.train;
  return state_.step >= limits.steps ||
         (limits.max_tokens > 0 && state_.num_tokens >= limits.max_tokens);
}

TrainOutcome Trainer::run(int64_t until) {
  const AlgorithmOptions& algorithm = config_.algorithm;
  if (algorithm.epochs * algorithm.mini_batches == 1 &&
      (algorithm.loss == "ppo" || algorithm.loss == "gspo" || algorithm.loss == "cispo" ||
       algorithm.loss == "rloo_sequence"))
    spdlog::info(
        "loss '{}' with one update a rollout: the ratio is exactly 1, so clipping never acts",
        algorithm.loss);
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
    while (!is_done() && state_.step < until && !StopFlag::raised()) {
      train_step();
      evaluate_and_save_if_due();
    }
  }
  log_->progress().finish();
  if (saved_as_ != checkpoint_name(state_.phase, state_.step)) save();
  return outcome(until);
}

TrainOutcome Trainer::outcome(int64_t until) const {
  TrainOutcome result;
  const bool is_training = state_.phase == kTrain;
  const bool is_at_end = is_training && is_done();
  result.is_paused = is_training && !is_at_end && state_.step >= until;
  result.exit_code = is_at_end || result.is_paused ? kExitDone : StopFlag::exit_code();
  result.step = is_training ? state_.step : 0;
  read_rows(*directory_ / "metrics.jsonl", 0, [&](const Row& row) {
    if (row.find("reward") != nullptr) result.reward = row.number("reward");
    if (row.find("eval_reward") != nullptr) result.eval_reward = row.number("eval_reward");
  });
  if (state_.has_best) {
    result.best_reward = state_.best_score;
    result.best_step = state_.best_step;
  }
  return result;
}

std::vector<StepTimes> Trainer::measure(int64_t steps) {
  PG_CHECK(state_.phase == kTrain && state_.step == 0, "measuring at {} step {}", state_.phase,
           state_.step);
  started_ = Clock::now();
  std::vector<StepTimes> result;
  while (static_cast<int64_t>(result.size()) < steps && !StopFlag::raised())
    result.push_back(train_step());
  log_->progress().finish();
  return result;
}

void Trainer::warm_up() {
  started_step_ = state_.step;
  while (state_.step < config_.warmup.steps && !StopFlag::raised()) warmup_step();
  if (state_.step < config_.warmup.steps) return;
  // Whatever fails next, such as a reward command at its first call, the warm-up is not lost.
  if (saved_as_ != checkpoint_name(state_.phase, state_.step)) save();
  state_.phase = kTrain;
  state_.step = 0;
  freeze_embedder();
  learner_->reset_optimizer();
  start_cursor();
  begin_training();
}

// A kill may have come between a checkpoint's rename and its links.
void Trainer::restore_links() {
  if (saved_as_.empty()) return;
  const bool is_best = state_.has_best && state_.phase == kTrain && state_.step == state_.best_step;
  if (is_best && config_.checkpoint.keep_best && checkpoints_->target("best") != saved_as_)
    checkpoints_->point("best", saved_as_);
  if (checkpoints_->target("latest") != saved_as_) checkpoints_->point("latest", saved_as_);
}

// At the start of the policy-gradient phase; a resumed run has read it from its checkpoint.
void Trainer::freeze_embedder() {
  const bool is_used =
      std::any_of(config_.reward.begin(), config_.reward.end(),
                  [](const RewardPartOptions& part) { return part.metric == "embedding_cosine"; });
  if (is_used && state_.phase == kTrain && !embedder_.is_set()) embedder_.freeze(*policy_);
}

void Trainer::start_cursor() {
  cursor_ = std::make_unique<PromptCursor>(
      experiment_.train.size(), static_cast<uint64_t>(config_.run.seed),
      state_.phase == kWarmup ? Purpose::kWarmup : Purpose::kShuffle);
}

void Trainer::warmup_step() {
  const auto begin = Clock::now();
  const auto sequences = target_sequences(policy_->text(), experiment_.train,
                                          cursor_->next(config_.warmup.batch_size));
  const auto [batch, objective] = cross_entropy(sequences, 1);
  const UpdateResult result = learner_->update(batch, objective, config_.warmup.learning_rate);
  check_finite(result.finite, result);
  ++state_.step;
  Row row;
  row.set("phase", kWarmup);
  row.set("step", state_.step);
  row.set("loss", result.policy_loss);
  row.set("grad_norm", result.grad_norm);
  log_->write_metrics(row);
  const double tokens = batch.mask.sum().item<double>();
  log_->progress().update(
      fmt::format("warm-up {}/{}  loss {:.4f}  {} tok/s", state_.step, config_.warmup.steps,
                  result.policy_loss, format_rate(tokens / seconds_since(begin))),
      state_.step == config_.warmup.steps);
  if (state_.step % config_.checkpoint.every == 0 && state_.step < config_.warmup.steps) save();
}

StepTimes Trainer::train_step() {
  const auto begin = Clock::now();
  Stopwatch watch;
  StepTimes times;
  Row row;
  row.set("phase", kTrain);
  row.set("step", state_.step + 1);
  const Experience experience = collector_->collect(*cursor_, static_cast<uint64_t>(state_.step));
  times.collect = watch.lap();
  const UpdateBatch batch = advantages(experience, row, times);
  times.advantages = watch.lap();
  const double learning_rate = config_.optimizer.learning_rate *
                               schedule_factor(config_.optimizer.schedule, state_.step,
                                               config_.train.steps, config_.optimizer.warmup_steps);
  learner_->take_work();
  const UpdateSummary summary = update(batch, experience, learning_rate);
  times.update = watch.lap();
  check_finite(summary.finite, summary.mean);
  ++state_.step;
  state_.num_tokens += experience.generated_tokens;
  row.set("learning_rate", learning_rate);
  times.step = seconds_since(begin);
  add_work(times, experience, learner_->take_work(), pool_.size());
  report(row, batch, summary, experience, times);
  adapt(summary);
  return times;
}

void Trainer::evaluate_and_save_if_due() {
  evaluate_if_due();
  if (state_.step % config_.checkpoint.every == 0 || (best_is_new_ && config_.checkpoint.keep_best))
    save();
}

UpdateBatch Trainer::advantages(const Experience& experience, Row& row, StepTimes& times) {
  const AlgorithmOptions& algorithm = config_.algorithm;
  const Rollout& rollout = experience.rollout;
  UpdateBatch batch;
  static_cast<SequenceBatch&>(batch) = sequences_of(rollout);
  const at::Tensor mask = completion_mask(batch.sequences);
  batch.old_log_probs = sampled_log_probs(rollout, mask);
  add_rollout_metrics(row, "", rollout, experiment_.reward->part_names());
  add_fairness_metrics(row, "", config_.fairness, rollout, experiment_.train);
  if (rollout.samples_per_prompt > 1)
    row.set("frac_reward_zero_std",
            zero_spread_fraction(experience.rewards, rollout.samples_per_prompt));

  AdvantageInputs inputs;
  inputs.group_size = rollout.samples_per_prompt;
  inputs.rewards = experience.rewards;
  inputs.parts = parts_of(rollout);
  for (const RewardPartOptions& part : config_.reward) inputs.part_weights.push_back(part.weight);
  inputs.mask = mask;
  inputs.old_log_probs = batch.old_log_probs;
  inputs.greedy_rewards = experience.greedy_rewards;
  if (policy_->value_head() != nullptr) {
    inputs.values = sampled_values(rollout, mask);
  } else if (policy_->network().value_model) {
    inputs.values = frozen_values(policy_->network(), pool_, batch, mask, split_);
    times.advantages_flops +=
        value_flops(*policy_->network().value_model, batch.sequences, split_.micro_batch);
  }
  if (reference_) {
    const at::Tensor reference =
        reference_->log_probs(pool_, batch, mask, config_.rollout.temperature, split_);
    times.advantages_flops +=
        log_prob_flops(reference_->policy().model(), batch.sequences, split_.micro_batch);
    const at::Tensor kl = kl_estimate(batch.old_log_probs, reference, algorithm.kl.estimator);
    row.set("kl", masked_mean(kl, mask).item<double>());
    row.set("kl_coef", kl_controller_.coef());
    step_kl_ = sequence_sum(kl, mask).mean().item<double>();
    inputs.kl_coef = kl_controller_.coef();
    if (algorithm.kl.placement == "reward")
      inputs.kl = kl;
    else
      batch.ref_log_probs = reference;
  }
  const Advantages estimate = estimator_.estimate(inputs, row);
  batch.advantages = estimate.tokens;
  batch.returns = estimate.returns;
  batch.old_values = inputs.values;
  batch.mask = algorithm.mask_truncated ? finished_mask(rollout, mask) : mask;
  return batch;
}

UpdateSummary Trainer::update(const UpdateBatch& batch, const Experience& experience,
                              double learning_rate) {
  const AlgorithmOptions& algorithm = config_.algorithm;
  Objective objective =
      make_objective(algorithm, config_.rollout.temperature, config_.rollout.max_new_tokens);
  if (objective.kl_coef != 0) objective.kl_coef = kl_controller_.coef();
  if (algorithm.entropy_control == "adaptive")
    objective.entropy_coef = state_.step > 0 ? entropy_control_.effective(state_.last_entropy) : 0;
  std::vector<Sequence> targets;
  std::optional<ExtraBatch> extra;
  if (algorithm.supervised_coef > 0) {
    targets = target_sequences(policy_->text(), experiment_.train, experience.rollout.records);
    extra = cross_entropy(targets, algorithm.supervised_coef);
  }
  const int64_t noise_every = config_.log.gradient_noise_every;
  const UpdatePlan plan = {algorithm.epochs, algorithm.mini_batches, algorithm.kl.stop_at,
                           noise_every > 0 && state_.step % noise_every == 0};
  return run_updates(*learner_, batch, objective, plan, mini_batch_rng_,
                     static_cast<uint64_t>(state_.step), learning_rate, extra ? &*extra : nullptr);
}

// What the next step's coefficients and reference depend on.
void Trainer::adapt(const UpdateSummary& summary) {
  state_.last_entropy = summary.mean.entropy;
  if (config_.algorithm.entropy_control == "adaptive")
    entropy_control_.update(summary.mean.entropy);
  if (average_) average_->mix(*policy_, config_.optimizer.ema_decay);
  if (!reference_) return;
  kl_controller_.update(step_kl_,
                        config_.rollout.prompts_per_step * config_.rollout.samples_per_prompt);
  reference_->follow(*policy_, state_.step);
}

void Trainer::check_finite(bool finite, const UpdateResult& result) {
  if (finite) {
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

void Trainer::report(Row& row, const UpdateBatch& batch, const UpdateSummary& summary,
                     const Experience& experience, const StepTimes& times) {
  add_update_metrics(row, config_.algorithm, batch, summary);
  // Dropped elements of adapters are a difference that says nothing.
  if (policy_->model().options().lora.dropout == 0)
    row.set("sampling/sampling_logp_difference/max", summary.log_prob_gap);
  if (config_.algorithm.resample_rounds > 0) {
    row.set("resample/rounds", experience.resample_rounds);
    row.set("resample/replaced_groups", experience.replaced_groups);
  }
  row.set("num_tokens", state_.num_tokens);
  row.set("nonfinite_steps", state_.nonfinite_total);
  log_->write_metrics(row);
  for (const std::string& warning : diagnostics_.after_step(row)) warn(warning);
  log_->write_completions(kTrain, state_.step, experience.rollout, experiment_.train,
                          &batch.advantages);
  log_->write_timing(timing_row(state_.step, times));
  const double per_step =
      seconds_since(started_) / static_cast<double>(state_.step - started_step_);
  log_->progress().update(
      fmt::format(
          "step {}/{}  reward {:.4f}  entropy {:.3f}  length {:.1f}{}  {} tok/s  ETA {}",
          state_.step, config_.train.steps, row.number("reward"), row.number("entropy"),
          row.number("completions/mean_length"),
          reference_ ? fmt::format("  kl {:.4f}", row.number("kl")) : "",
          format_rate(static_cast<double>(times.tokens) / times.step),
          format_duration(per_step * static_cast<double>(config_.train.steps - state_.step))),
      is_done());
}

void Trainer::warn(const std::string& text) {
  log_->progress().clear();
  spdlog::warn("step {}: {}", state_.step, text);
}

void Trainer::evaluate_if_due() {
  const int64_t every = config_.eval.every;
  if (!experiment_.eval || every == 0) return;
  if (state_.step % every != 0 && !is_done()) return;
  const Rollout rollout = evaluate(average_ ? *average_ : *policy_, pool_, *experiment_.eval,
                                   *experiment_.reward, config_.eval.max_records,
                                   config_.rollout.shard_size, config_.rollout.max_new_tokens);
  Row row;
  row.set("phase", "eval");
  row.set("step", state_.step);
  add_rollout_metrics(row, "eval_", rollout, experiment_.reward->part_names());
  add_fairness_metrics(row, "eval_", config_.fairness, rollout, *experiment_.eval);
  log_->write_metrics(row);
  for (const std::string& warning : diagnostics_.after_evaluation(row)) warn(warning);
  log_->write_completions("eval", state_.step, rollout, *experiment_.eval, nullptr);
  const double reward = row.number("eval_reward");
  if (!state_.has_best || reward > state_.best_score) {
    state_.has_best = true;
    state_.best_score = reward;
    state_.best_step = state_.step;
    best_is_new_ = true;
  }
  log_->progress().clear();
  drift_.see(row);
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
  state_.ema_baseline = estimator_.ema().value();
  state_.ema_count = estimator_.ema().count();
  state_.kl_coef = kl_controller_.coef();
  state_.entropy_coef = entropy_control_.coef();
  // The rows must be on the disk before a checkpoint counts on them.
  log_->sync(state_);
  const std::string name = checkpoint_name(state_.phase, state_.step);
  checkpoints_->save(name, [&](const std::filesystem::path& folder) {
    policy_->write(folder);
    write_tensor_file(folder / "optimizer.safetensors", learner_->optimizer().state());
    if (state_.phase == kTrain) {
      if (reference_) reference_->write(folder);
      if (average_) average_->write_parameters(folder / kAverageFile);
    }
    if (embedder_.is_set()) embedder_.write(folder);
    write_text(folder / "state.json", state_.to_json());
    write_text(folder / "experiment.yaml", dump_experiment(config_));
    write_text(folder / "data.sha256", experiment_.data_digest);
    if (!base_digest_.empty()) write_text(folder / Policy::kBaseFile, base_digest_);
  });
  if (best_is_new_ && config_.checkpoint.keep_best && state_.best_step == state_.step)
    checkpoints_->point("best", name);
  best_is_new_ = false;
  checkpoints_->point("latest", name);
  checkpoints_->retain(config_.checkpoint.keep_last);
  saved_as_ = name;
}

}  // namespace pgtrain
