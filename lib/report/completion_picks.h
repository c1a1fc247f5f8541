// Which completions of a run are worth a look, from its completions.jsonl.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "metrics/row.h"

namespace pgtrain {

// A text cut for display.
struct ShownText {
  std::string text;
  uint64_t left_out = 0;  // bytes behind it
};

struct CompletionSample {
  int64_t step = 0;
  int64_t line = 0;  // of the record in its file
  ShownText prompt;
  ShownText completion;
  ShownText target;  // the first
  double reward = 0;
  std::vector<std::pair<std::string, double>> parts;  // before weighting
  std::string notes;
  int64_t length = 0;  // tokens
  bool is_finished = true;
};

constexpr size_t kMaxShownBytes = 4000;    // of each text
constexpr size_t kMaxKeptSamples = 1000;   // of each phase
constexpr size_t kMaxCountedWords = 1000;  // different ones

// How often a blocklist found a word.
struct WordCount {
  int64_t training = 0;
  int64_t held_out = 0;  // all evaluations
};

struct CompletionLog {
  int64_t count = 0;  // rows read
  // Of the last evaluation; of the first one when that is another; of training steps above
  // `training_from`. At most kMaxKeptSamples each: of more, evenly spread ones.
  std::vector<CompletionSample> last_evaluation;
  std::vector<CompletionSample> first_evaluation;
  std::vector<CompletionSample> training;
  std::map<std::string, WordCount> words;
};

// Reads the file once, with memory for the kept samples only, however long it is. `blocklists`:
// names of the parts whose notes are words. A row without one of step, completion and reward is
// passed over. A missing file is an empty one. Throws DataError as read_rows.
CompletionLog read_completions(const std::filesystem::path& file, int64_t training_from,
                               const std::vector<std::string>& blocklists);

struct Pick {
  const char* kind;  // "best", "median" or "worst"
  const CompletionSample* sample;
};

// Up to `each` samples with the highest reward, around the median and with the lowest, in the order
// of falling reward (then of lines); none twice, so that few samples give fewer of each. Samples
// whose reward is NaN are passed over. The picks point into `samples`.
std::vector<Pick> pick_samples(const std::vector<CompletionSample>& samples, size_t each);

}  // namespace pgtrain
