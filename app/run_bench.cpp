#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "actions.h"
#include "commands.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/process.h"
#include "core/signals.h"
#include "core/version.h"
#include "prepare_math.h"
#include "tensor/blas.h"
#include "tensor/machine_speed.h"
#include "tensor/row_kernels.h"
#include "train/memory_estimate.h"
#include "train/trainer.h"
#include "trial_steps.h"

namespace pgtrain {
namespace {

using nlohmann::ordered_json;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// A part of the step: its seconds, and its matrix products where they are counted.
struct Part {
  const char* name;
  double StepTimes::*seconds;
  std::function<double(const StepTimes&)> flops;
};

const std::vector<Part>& parts() {
  static const std::vector<Part> all = {
      {"decode", &StepTimes::decode, [](const StepTimes& t) { return t.decode_flops; }},
      {"score", &StepTimes::score, {}},
      {"collect", &StepTimes::collect, {}},
      {"advantages", &StepTimes::advantages, [](const StepTimes& t) { return t.advantages_flops; }},
      {"gradient", &StepTimes::gradient, [](const StepTimes& t) { return t.update_flops; }},
      {"optimizer", &StepTimes::optimizer, {}},
      {"update", &StepTimes::update, [](const StepTimes& t) { return t.update_flops; }},
      {"step", &StepTimes::step, [](const StepTimes& t) { return t.flops(); }},
  };
  return all;
}

// The medians of one part; no rates of operations where none are counted.
ordered_json measures_of(const Part& part, const std::vector<StepTimes>& steps, double peak) {
  std::vector<double> seconds, tokens, flops, gflop;
  for (const StepTimes& step : steps) {
    const double time = std::max(1e-9, step.*part.seconds);
    seconds.push_back(step.*part.seconds);
    tokens.push_back(static_cast<double>(step.tokens) / time);
    if (!part.flops) continue;
    gflop.push_back(1e-9 * part.flops(step));
    flops.push_back(gflop.back() / time);
  }
  ordered_json result = {{"seconds", median(seconds)}, {"tokens_per_second", median(tokens)}};
  if (!part.flops || median(gflop) == 0) return result;
  result["gflop"] = median(gflop);
  result["gflop_per_second"] = median(flops);
  result["percent_of_peak"] = 100 * median(flops) / peak;
  return result;
}

double median_tokens(const std::vector<StepTimes>& steps) {
  std::vector<double> tokens;
  for (const StepTimes& step : steps) tokens.push_back(static_cast<double>(step.tokens));
  return median(tokens);
}

// Larger than the caches, and never much of what is left.
uint64_t bandwidth_buffer(int workers) {
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  const auto count = static_cast<uint64_t>(workers);
  const uint64_t wanted = std::max(64 * kMiB, 512 * kMiB / count);
  const uint64_t available = available_memory();
  return available == 0 ? wanted : std::clamp(available / 4 / count, kMiB, wanted);
}

std::string table_of(const ordered_json& facts) {
  std::string table;
  for (const auto& [key, value] : facts.items()) {
    if (key == "parts") continue;
    const std::string text = value.is_string()         ? value.get<std::string>()
                             : value.is_number_float() ? fmt::format("{:.4g}", value.get<double>())
                                                       : value.dump();
    table += fmt::format("{:24} {}\n", key, text);
  }
  table += fmt::format("\n{:12} {:>10} {:>12} {:>10} {:>9}\n", "part", "seconds", "tokens/s",
                       "GFLOP/s", "% of peak");
  for (const auto& [name, part] : facts["parts"].items()) {
    table += fmt::format("{:12} {:>10.4f} {:>12.0f}", name, part["seconds"].get<double>(),
                         part["tokens_per_second"].get<double>());
    if (part.contains("gflop_per_second"))
      table += fmt::format(" {:>10.1f} {:>9.1f}", part["gflop_per_second"].get<double>(),
                           part["percent_of_peak"].get<double>());
    table += "\n";
  }
  return table;
}

}  // namespace

int run_bench(const BenchFlags& flags) {
  StopFlag::install();  // a signal must not leave the temporary folder behind
  const TemporaryFolder folder;
  const int64_t steps = flags.steps + 1;
  const ExperimentConfig config =
      only_steps(load_experiment(flags.configs, flags.overrides), folder, steps);
  prepare_math();
  Trainer trainer(config);
  const double startup = process_age();
  WorkerPool& pool = trainer.pool();
  const double peak_before = parallel_matmul_gflops(pool);
  std::vector<StepTimes> times = trainer.measure(steps);
  if (StopFlag::raised()) return StopFlag::exit_code();
  const uint64_t memory = peak_memory();
  const double peak = std::max(peak_before, parallel_matmul_gflops(pool));
  const double bandwidth = read_bandwidth(pool, bandwidth_buffer(pool.size()));
  times.erase(times.begin());

  const ModelOptions& model = trainer.policy().model().options();
  ordered_json facts = {
      {"pgtrain", kVersion},
      {"experiment", config.run.name},
      {"model", model.kind},
      {"vocab_size", model.vocab_size},
      {"parameters", parameter_count(model)},
      {"trained_parameters", trainable_count(model)},
      {"prompts_per_step", config.rollout.prompts_per_step},
      {"samples_per_prompt", config.rollout.samples_per_prompt},
      {"max_new_tokens", config.rollout.max_new_tokens},
      {"tokens_per_step", median_tokens(times)},
      {"steps", flags.steps},
      {"threads", pool.size()},
      {"row_kernels", row_kernels_name()},
      {"blas", prepare_blas()},
      {"peak_gflop_per_second", peak},
      {"read_gb_per_second", 1e-9 * bandwidth},
      {"startup_seconds", startup},
      {"peak_memory_mb", 1e-6 * static_cast<double>(memory)},
  };
  for (const Part& part : parts()) facts["parts"][part.name] = measures_of(part, times, peak);
  print(flags.json ? facts.dump() + "\n" : table_of(facts));
  return kExitDone;
}

}  // namespace pgtrain
