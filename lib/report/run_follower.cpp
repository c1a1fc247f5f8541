#include "report/run_follower.h"

#include <numeric>

#include "metrics/row_reader.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

constexpr size_t kRecentSteps = 50;

// A file that is not there has no bytes.
uint64_t size_of(const fs::path& file) {
  std::error_code missing;
  const auto size = fs::file_size(file, missing);
  return missing ? 0 : size;
}

void keep_recent(std::deque<double>& values, const Row& row, const char* column) {
  const RowValue* value = row.find(column);
  if (value == nullptr || std::holds_alternative<std::string>(*value)) return;
  values.push_back(row.number(column));
  if (values.size() > kRecentSteps) values.pop_front();
}

}  // namespace

bool RunFollower::poll() {
  std::error_code ignored;
  const bool is_new = !config_ && fs::exists(directory_ / "config.yaml", ignored);
  if (is_new) config_ = read_run_config(directory_);
  if (!config_) return false;
  const bool has_metrics = read_metrics();
  const bool has_timing = read_timing();
  return is_new || has_metrics || has_timing;
}

bool RunFollower::read_metrics() {
  const fs::path file = directory_ / "metrics.jsonl";
  if (size_of(file) < metrics_offset_) {
    curves_.clear();
    metrics_offset_ = 0;
  }
  const uint64_t before = metrics_offset_;
  metrics_offset_ = read_rows(file, before, [&](const Row& row) { add_row(curves_, row); });
  return metrics_offset_ != before;
}

bool RunFollower::read_timing() {
  const fs::path file = directory_ / "timing.jsonl";
  if (size_of(file) < timing_offset_) timing_offset_ = 0;
  const uint64_t before = timing_offset_;
  timing_offset_ = read_rows(file, before, [&](const Row& row) {
    keep_recent(step_times_, row, "step_time");
    keep_recent(token_rates_, row, "tokens_per_second");
  });
  return timing_offset_ != before;
}

std::optional<double> RunFollower::mean(const std::deque<double>& values) {
  if (values.empty()) return std::nullopt;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

bool RunFollower::is_warming_up() const {
  return curve("train", "reward").empty() && curve("eval", "eval_reward").empty() && config_ &&
         config_->warmup.steps > 0;
}

int64_t RunFollower::step() const {
  const Curve& steps = is_warming_up() ? curve("warmup", "loss") : curve("train", "reward");
  return steps.empty() ? 0 : steps.steps.back();
}

bool RunFollower::is_done() const {
  return config_ && !is_warming_up() && is_complete(*config_, curves_);
}

}  // namespace pgtrain
