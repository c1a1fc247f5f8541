// The experiment from start to end: warm-up, then collect -> score -> advantages -> update ->
// report, with exact resume.
#pragma once

#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint_store.h"
#include "checkpoint/run_state.h"
#include "core/error.h"
#include "core/worker_pool.h"
#include "dataset/prompt_cursor.h"
#include "metrics/row.h"
#include "rl/entropy.h"
#include "rl/kl.h"
#include "train/advantages.h"
#include "train/diagnostics.h"
#include "train/embedder.h"
#include "train/experience.h"
#include "train/experiment.h"
#include "train/fairness.h"
#include "train/learner.h"
#include "train/policy.h"
#include "train/prepare.h"
#include "train/reference_model.h"
#include "train/run_directory.h"
#include "train/run_log.h"
#include "train/step_times.h"
#include "train/update_plan.h"
#include "train/work_split.h"

namespace pgtrain {

struct TrainOutcome {
  ExitCode exit_code = kExitDone;     // done or paused, stopped by SIGTERM, interrupted by SIGINT
  bool is_paused = false;             // `until` came before the end
  int64_t step = 0;                   // finished policy-gradient steps
  std::optional<double> reward;       // of the last of these steps, whichever process made it
  std::optional<double> eval_reward;  // of the last evaluation; likewise
  std::optional<double> best_reward;
  int64_t best_step = 0;
};

class Trainer {
 public:
  // Reads and checks everything (data, tokenizer, targets against limits) before it touches the
  // disk; then locks the run directory and starts or resumes. Throws ConfigError, DataError or
  // DiskError.
  explicit Trainer(const ExperimentConfig& config);
  ~Trainer();

  // Trains to the end; or until that many policy-gradient steps are done and saved; or until
  // StopFlag is raised: then the step in work is finished and saved. Where a run is cut changes no
  // bit of what it ends with.
  // Throws DivergenceError after train.max_nonfinite_steps non-finite steps in a row, DiskError
  // when a row or checkpoint cannot be written.
  TrainOutcome run(int64_t until = std::numeric_limits<int64_t>::max());

  // Makes policy-gradient steps of the experiment and returns their times, without evaluations and
  // checkpoints; fewer when StopFlag is raised. The experiment has warmup.steps 0 and the run is
  // new. Throws as run().
  std::vector<StepTimes> measure(int64_t steps);

  const Policy& policy() const { return *policy_; }
  // Its workers do nothing between two calls of this class.
  WorkerPool& pool() { return pool_; }

 private:
  // Set-up.
  void start_cursor();
  bool is_done() const;
  void freeze_embedder();
  void restore_links();
  void resume(const std::filesystem::path& checkpoint);
  void begin_training();
  void resume_others(const std::filesystem::path& checkpoint);

  // The phases.
  void warm_up();
  void warmup_step();
  TrainOutcome outcome(int64_t until) const;
  // Without what follows a step: evaluation, checkpoint.
  StepTimes train_step();
  void evaluate_and_save_if_due();

  // The parts of a step.
  UpdateBatch advantages(const Experience& experience, Row& row, StepTimes& times);
  UpdateSummary update(const UpdateBatch& batch, const Experience& experience,
                       double learning_rate);
  void adapt(const UpdateSummary& summary);
  void check_finite(bool finite, const UpdateResult& result);
  void report(Row& row, const UpdateBatch& batch, const UpdateSummary& summary,
              const Experience& experience, const StepTimes& times);
  void warn(const std::string& text);
  void evaluate_if_due();
  void save();

  ExperimentConfig config_;
  Embedder embedder_;  // set in the policy-gradient phase when the reward uses it
  PreparedExperiment experiment_;
  WorkSplit split_;
  WorkerPool pool_;
  std::unique_ptr<RunDirectory> directory_;
  std::unique_ptr<CheckpointStore> checkpoints_;
  std::unique_ptr<Policy> policy_;
  std::string base_digest_;  // of the weights that adapters leave alone; "" without
  std::unique_ptr<Learner> learner_;
  std::unique_ptr<PromptCursor> cursor_;
  std::unique_ptr<Collector> collector_;
  std::unique_ptr<ReferenceModel> reference_;  // null when nothing compares with one
  std::unique_ptr<Policy> average_;            // of the weights; null without optimizer.ema_decay
  AdvantageEstimator estimator_;
  Rng mini_batch_rng_;
  KlController kl_controller_;
  AdaptiveEntropy entropy_control_;
  double step_kl_ = 0;  // of a completion to the reference, mean of the step in work
  RunState state_;
  std::string saved_as_;      // name of the checkpoint that holds the present state
  bool best_is_new_ = false;  // the last evaluation was the best, and no checkpoint holds it yet
  std::unique_ptr<RunLog> log_;
  Diagnostics diagnostics_;
  DriftWatch drift_;
  std::chrono::steady_clock::time_point started_;
  int64_t started_step_ = 0;
};

}  // namespace pgtrain
