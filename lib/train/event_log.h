// What a run shows in TensorBoard. The names are those of Hugging Face's trainers:
//
//   warmup/loss              scalars of metrics.jsonl: the phase, then the column's name;
//   train/reward, train/kl   of evaluations without its eval_
//   eval/reward
//   timing/step_time         scalars of timing.jsonl
//   samples/reward, samples/length, samples/advantage
//                            histograms over the completions of a step
//   samples/train, samples/eval
//                            text: some of the completions beside their targets
//   config                   text: the resolved experiment
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/run_state.h"
#include "metrics/event_file.h"
#include "metrics/row.h"
#include "train/run_directory.h"
#include "train/sampling.h"

namespace pgtrain {

class EventLog {
 public:
  // The file is made with the first event, so that a run that is done stays as it is. It keeps of
  // an earlier process's events what the state counts on.
  EventLog(const RunDirectory& directory, const ExperimentConfig& config, const RunState& state);

  // A row of metrics.jsonl, which names its phase.
  void write_metrics(const Row& row);
  // A row of timing.jsonl.
  void write_timing(const Row& row);
  // Histograms and texts of a step or evaluation, when they are due. advantages [batch, time] or
  // null.
  void write_completions(const std::string& phase, int64_t step, const Rollout& rollout,
                         const Dataset& data, const at::Tensor* advantages);
  void sync();

 private:
  void write(const EventSummary& summary, int64_t step);

  std::filesystem::path folder_;
  RunState start_;
  std::string experiment_;  // as YAML
  int64_t histogram_every_;
  std::optional<EventFile> file_;
};

// The name of a column of a row of that phase ("warmup", "train", "eval").
std::string event_tag(const std::string& phase, const std::string& column);

// Texts as cells of a Markdown table: what could be markup is written as character references, what
// has no visible form as escape_text does, and what is over 1,000 code points is cut.
std::string markdown_cell(const std::string& text);

}  // namespace pgtrain
