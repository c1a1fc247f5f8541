#include "train/experiment.h"

#include <map>

#include "core/error.h"

namespace pgtrain {
namespace {

void describe_run(Section& s, RunOptions& o) {
  s.field("name", o.name,
          "name of the run; its folder is runs/<name> unless run.directory says otherwise");
  s.field("directory", o.directory, "folder of everything the run writes; empty = runs/<run.name>");
  s.field("seed", o.seed, "every random draw of the run follows from it", at_least(0));
  s.field("threads", o.threads, "worker threads; 0 = one for each core; never changes the results",
          between(0, 4096));
  s.choice("parallel", o.parallel, {"auto", "sequences", "operators"},
           "what threads share: 'sequences': each takes micro-batches of its own, with a gradient "
           "of its own; 'operators': all compute one micro-batch after the other, which needs less "
           "memory; 'auto': operators for networks of 4 million weights and more. Results depend "
           "on it in the last bits");
  s.field("check_memory", o.check_memory,
          "refuse to start a run that needs more memory than the machine has left");
}

void describe_warmup(Section& s, WarmupOptions& o) {
  s.field("steps", o.steps, "supervised steps on the targets before the policy gradient; 0 = none",
          at_least(0));
  s.field("batch_size", o.batch_size, "records in one supervised step", between(1, 1 << 20));
  s.field("learning_rate", o.learning_rate, "step size of the supervised steps",
          between(0.0, 10.0));
}

void describe_train(Section& s, TrainOptions& o) {
  s.field("steps", o.steps, "policy-gradient steps", at_least(0));
  s.field("max_tokens", o.max_tokens,
          "generated tokens after which the run ends, whatever steps says; 0 = no limit",
          at_least(0));
  s.field("micro_batch", o.micro_batch,
          "sequences whose gradient is computed together; 0 = 32 for small recurrent networks, "
          "else as many as fit into 16 MB a thread, for large networks into 320 MB",
          between(0, 1 << 16));
  s.field("max_nonfinite_steps", o.max_nonfinite_steps,
          "steps in a row with a loss or gradient that is not finite (each is skipped) after which "
          "the run stops",
          at_least(1));
  s.choice("overlong", o.overlong, {"error", "drop"},
           "what to do with records whose target is longer than rollout.max_new_tokens");
}

void describe_eval(Section& s, EvalOptions& o) {
  s.field("every", o.every,
          "steps between greedy evaluations on data.eval; also before the first and after the "
          "last; 0 = never",
          at_least(0));
  s.field("max_records", o.max_records, "records to evaluate, from the first; 0 = all",
          at_least(0));
}

void describe_checkpoint(Section& s, CheckpointOptions& o) {
  s.field("every", o.every,
          "steps between checkpoints; one is always written at the end and on a signal",
          at_least(1));
  s.field("keep_last", o.keep_last, "newest checkpoints that are kept", at_least(1));
  s.field("keep_best", o.keep_best, "also keep the checkpoint with the best evaluation reward");
}

void describe_log(Section& s, LogOptions& o) {
  s.field("gradient_noise_every", o.gradient_noise_every,
          "steps between measurements of the gradient's signal and noise; 0 = never", at_least(0));
  s.field("completions_per_step", o.completions_per_step,
          "completions of each step and evaluation that go to completions.jsonl",
          between(0, 1 << 20));
  s.field(
      "tensorboard", o.tensorboard,
      "also write an event file for TensorBoard: every column of metrics.jsonl and timing.jsonl, "
      "histograms, completions; steps made while it is false stay out of it");
  s.field("histogram_every", o.histogram_every,
          "steps between histograms of rewards, lengths and advantages, and completions, in the "
          "event file; "
          "0 = never (evaluations always show completions)",
          at_least(0));
}

void check_optimizer(const OptimizerOptions& now, Problems& problems) {
  const OptimizerOptions standard;
  const auto unused = [&](const char* key, bool changed) {
    if (changed) problems.add(key, fmt::format("has no effect with kind '{}'", now.kind));
  };
  const bool is_sgd = now.kind == "sgd";
  if (now.kind == "adam" && now.weight_decay != 0)
    problems.add("optimizer.weight_decay", "has no effect with kind 'adam'; use kind 'adamw'");
  unused("optimizer.beta1", is_sgd && now.beta1 != standard.beta1);
  unused("optimizer.beta2", is_sgd && now.beta2 != standard.beta2);
  unused("optimizer.epsilon", is_sgd && now.epsilon != standard.epsilon);
  unused("optimizer.momentum", !is_sgd && now.momentum != standard.momentum);
  if (now.nesterov && now.momentum == 0)
    problems.add("optimizer.nesterov", "has no effect without optimizer.momentum above 0");
}

void check_tokenizer(const ExperimentConfig& config, Problems& problems) {
  const TokenizerOptions& now = config.tokenizer;
  if (config.model.kind == "pretrained") {
    if (now.kind != "auto")
      problems.add(
          "tokenizer.kind",
          fmt::format("is '{}', but a pretrained model has its own: leave it 'auto'", now.kind));
    if (now.vocab_size != 0)
      problems.add("tokenizer.vocab_size", "has no effect with a pretrained model");
  } else {
    if (config.model.lora.enabled())
      problems.add("model.lora.rank",
                   "adapters are for pretrained models: the weights beside them stay as they are");
    if (now.kind == "byte" && now.vocab_size != 0)
      problems.add("tokenizer.vocab_size", "has no effect with kind 'byte', which has 261 tokens");
    if (now.kind == "file" && now.vocab_size != 0)
      problems.add("tokenizer.vocab_size", "has no effect with kind 'file'");
    if (now.kind == "bpe" && now.vocab_size == 0)
      problems.add("tokenizer.vocab_size", "must be given with kind 'bpe', for example 4096");
  }
  if (now.kind == "file" && now.path.empty())
    problems.add("tokenizer.path", "must be the name of a file with kind 'file'");
  if (now.kind != "file" && !now.path.empty())
    problems.add("tokenizer.path", "has no effect without kind 'file'");
}

void check(const ExperimentConfig& config, Problems& problems) {
  check_algorithm(config, problems);
  check_optimizer(config.optimizer, problems);
  check_model(config.model, "model", problems);
  const int64_t samples = config.rollout.prompts_per_step * config.rollout.samples_per_prompt;
  check_tokenizer(config, problems);
  if (config.optimizer.warmup_steps > config.train.steps)
    problems.add("optimizer.warmup_steps",
                 fmt::format("is more than train.steps ({})", config.train.steps));
  check(config.reward, problems);
  const std::string& name = config.run.name;
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
    problems.add("run.name",
                 "must be the name of a folder: not empty, '.' or '..', and without '/'");
  if (config.data.train.empty()) problems.add("data.train", "must be the name of a file");
  if (config.data.target_field.empty()) problems.add("data.target_field", "must not be empty");
  if (samples > (1 << 24))
    problems.add(
        "rollout.prompts_per_step",
        fmt::format("times samples_per_prompt is {} completions a step, at most {} are allowed",
                    samples, 1 << 24));
}

}  // namespace

void describe(Section& section, ExperimentConfig& config) {
  describe_run(section.section("run", "where and how the experiment runs"), config.run);
  describe(section.section("data", "records with prompts and target texts"), config.data);
  describe(section.section("tokenizer", "how texts become tokens"), config.tokenizer);
  describe(section.section("model", "the policy network"), config.model);
  describe_warmup(section.section("warmup", "supervised start on the targets"), config.warmup);
  section.list("reward", config.reward, "parts of the reward; the total is the weighted sum");
  describe(section.section("rollout", "generation of samples"), config.rollout);
  describe(section.section("algorithm", "from rewards to the gradient"), config.algorithm);
  describe(section.section("optimizer", "from the gradient to new weights"), config.optimizer);
  describe_train(section.section("train", "the loop"), config.train);
  describe_eval(section.section("eval", "greedy evaluation on held-out records"), config.eval);
  describe(section.section("fairness", "reward by groups of records"), config.fairness);
  describe_checkpoint(section.section("checkpoint", "what is saved and kept"), config.checkpoint);
  describe_log(section.section("log", "what is written down"), config.log);
}

ExperimentConfig load_experiment(const std::vector<std::filesystem::path>& files,
                                 const std::vector<std::string>& overrides) {
  ExperimentConfig config;
  Section root;
  describe(root, config);
  config.provenance =
      load(root, files, overrides, [&](Problems& problems) { check(config, problems); });
  reset_unread(config.algorithm);
  if (config.run.directory.empty()) config.run.directory = "runs/" + config.run.name;
  return config;
}

std::string dump_experiment(ExperimentConfig config, bool changed_only) {
  Section root;
  ExperimentConfig bound;
  describe(root, bound);
  bound = std::move(config);
  return dump(root, changed_only ? DumpMode::kChanged : DumpMode::kFull);
}

ExperimentConfig read_resolved_experiment(const std::filesystem::path& file) {
  ExperimentConfig config;
  Section root;
  describe(root, config);
  try {
    load(root, {file}, {});
  } catch (const ConfigError& e) {
    throw ConfigError(
        fmt::format("{}\n{}: the run directory's own record cannot be read by this version",
                    e.what(), file.string()));
  }
  return config;
}

std::vector<std::pair<std::string, std::string>> settings_of(ExperimentConfig config) {
  Section root;
  ExperimentConfig bound;
  describe(root, bound);
  bound = std::move(config);
  return flatten(root);
}

std::vector<std::string> conflicting_keys(ExperimentConfig before, ExperimentConfig now) {
  const auto values = [](ExperimentConfig config) {
    std::map<std::string, std::string> result;
    for (auto& [key, value] : settings_of(std::move(config))) result[key] = value;
    return result;
  };
  const bool steps_matter = schedule_needs_end(now.optimizer.schedule);
  const auto is_free = [&](const std::string& key) {
    if (key == "run.seed" || key == "run.parallel") return false;
    return key.rfind("run.", 0) == 0 || key.rfind("checkpoint.", 0) == 0 ||
           key == "log.tensorboard" || key == "log.histogram_every" || key == "train.max_tokens" ||
           (key == "train.steps" && !steps_matter);
  };
  const auto old_values = values(std::move(before));
  const auto new_values = values(std::move(now));
  std::vector<std::string> result;
  for (const auto& [key, value] : new_values) {
    const auto old = old_values.find(key);
    const std::string old_text = old == old_values.end() ? "(not set)" : old->second;
    if (old_text != value && !is_free(key))
      result.push_back(key + ": " + old_text + " -> " + value);
  }
  for (const auto& [key, value] : old_values)
    if (new_values.count(key) == 0 && !is_free(key))
      result.push_back(key + ": " + value + " -> (not set)");
  return result;
}

}  // namespace pgtrain
