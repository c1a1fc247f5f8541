#include "train/event_log.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "text/characters.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

constexpr int64_t kShownCompletions = 8;
constexpr size_t kLongestCell = 1000;
constexpr const char* kWarmupGroup = "warmup/";

// A checkpoint holds its step with the evaluation after it.
bool is_counted_on(const EventHead& event, const RunState& state) {
  if (state.metrics_length == 0 || event.first_tag == "config") return false;
  const bool is_warmup = event.first_tag.rfind(kWarmupGroup, 0) == 0;
  if (state.phase == "warmup") return is_warmup && event.step <= state.step;
  return is_warmup || event.step <= state.step;
}

// Lines that are indented by four spaces are shown as they are.
std::string code_block(const std::string& text) {
  std::string block = "    ";
  for (const char c : text) {
    block += c;
    if (c == '\n') block += "    ";
  }
  return block;
}

std::string completion_table(const Rollout& rollout, const Dataset& data) {
  std::string table = "| prompt | completion | target | reward | length | notes |\n";
  table += "|---|---|---|---|---|---|\n";
  const int64_t count = std::min(kShownCompletions, rollout.size());
  for (int64_t i = 0; i < count; ++i) {
    const int64_t index = i * rollout.size() / count;
    const Record& record = data[rollout.record_of(index)];
    const Score& score = rollout.scores[index];
    table += fmt::format("| {} | {} | {} | {:.4f} | {} | {} |\n", markdown_cell(record.prompt),
                         markdown_cell(rollout.texts[index]), markdown_cell(record.targets[0]),
                         score.total, rollout.completions[index].sequence.completion_length(),
                         markdown_cell(fmt::format("{}", fmt::join(score.notes, "; "))));
  }
  return table;
}

// Of each completion, over its tokens; those without any have none.
std::vector<double> mean_advantages(const Rollout& rollout, const at::Tensor& advantages) {
  std::vector<double> means;
  const at::Tensor values = advantages.to(at::kDouble).contiguous();
  for (int64_t i = 0; i < rollout.size(); ++i) {
    const int64_t length = rollout.completions[i].sequence.completion_length();
    const double* row = values.data_ptr<double>() + i * values.size(1);
    if (length > 0)
      means.push_back(std::accumulate(row, row + length, 0.0) / static_cast<double>(length));
  }
  return means;
}

void add_histograms(EventSummary& summary, const Rollout& rollout, const at::Tensor& advantages) {
  std::vector<double> rewards;
  std::vector<double> lengths;
  for (const Score& score : rollout.scores) rewards.push_back(score.total);
  for (const Completion& completion : rollout.completions)
    lengths.push_back(static_cast<double>(completion.sequence.completion_length()));
  summary.add_histogram("samples/reward", rewards);
  summary.add_histogram("samples/length", lengths);
  summary.add_histogram("samples/advantage", mean_advantages(rollout, advantages));
}

void add_scalars(EventSummary& summary, const std::string& phase, const Row& row) {
  for (const auto& [name, value] : row.values())
    if (name != "step" && !std::holds_alternative<std::string>(value))
      summary.add_scalar(event_tag(phase, name), row.number(name));
}

int64_t step_of(const Row& row) { return std::get<int64_t>(*row.find("step")); }

}  // namespace

std::string event_tag(const std::string& phase, const std::string& column) {
  constexpr std::string_view kEvaluation = "eval_";
  const bool is_repeated = phase == "eval" && column.rfind(kEvaluation, 0) == 0;
  return phase + '/' + (is_repeated ? column.substr(kEvaluation.size()) : column);
}

std::string markdown_cell(const std::string& text) {
  const std::u32string visible = decode_utf8(escape_text(text));
  std::string cell;
  for (size_t i = 0; i < visible.size(); ++i) {
    if (i == kLongestCell) return cell + "...";
    if (is_ascii_punctuation(visible[i]))
      cell += fmt::format("&#{};", static_cast<uint32_t>(visible[i]));
    else
      append_utf8(cell, visible[i]);
  }
  return cell;
}

EventLog::EventLog(const RunDirectory& directory, const ExperimentConfig& config,
                   const RunState& state)
    : folder_(directory.path()),
      start_(state),
      experiment_(dump_experiment(config)),
      histogram_every_(config.log.histogram_every) {}

void EventLog::write(const EventSummary& summary, int64_t step) {
  if (!file_) {
    file_.emplace(folder_, [&](const EventHead& event) { return is_counted_on(event, start_); });
    EventSummary experiment;
    experiment.add_text("config", code_block(experiment_));
    file_->write(experiment, 0);
  }
  file_->write(summary, step);
}

void EventLog::sync() {
  if (file_) file_->sync();
}

void EventLog::write_metrics(const Row& row) {
  EventSummary summary;
  add_scalars(summary, std::get<std::string>(*row.find("phase")), row);
  write(summary, step_of(row));
}

void EventLog::write_timing(const Row& row) {
  EventSummary summary;
  add_scalars(summary, "timing", row);
  write(summary, step_of(row));
}

void EventLog::write_completions(const std::string& phase, int64_t step, const Rollout& rollout,
                                 const Dataset& data, const at::Tensor* advantages) {
  const bool is_due = histogram_every_ > 0 && step % histogram_every_ == 0;
  if (phase != "eval" && !is_due) return;
  EventSummary summary;
  summary.add_text("samples/" + phase, completion_table(rollout, data));
  if (advantages != nullptr) add_histograms(summary, rollout, *advantages);
  write(summary, step);
}

}  // namespace pgtrain
