#include "report/completion_picks.h"

#include <algorithm>
#include <cmath>

#include "metrics/row_reader.h"

namespace pgtrain {
namespace {

std::string text_of(const Row& row, const char* name) {
  const RowValue* value = row.find(name);
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  return text == nullptr ? "" : *text;
}

std::optional<double> number_of(const Row& row, const char* name) {
  const RowValue* value = row.find(name);
  if (value == nullptr || std::holds_alternative<std::string>(*value)) return std::nullopt;
  return row.number(name);
}

int64_t integer_of(const Row& row, const char* name, int64_t otherwise) {
  const RowValue* value = row.find(name);
  const auto* number = value == nullptr ? nullptr : std::get_if<int64_t>(value);
  return number == nullptr ? otherwise : *number;
}

// Cuts between code points.
ShownText shown(const std::string& text) {
  size_t end = std::min(text.size(), kMaxShownBytes);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return {text.substr(0, end), text.size() - end};
}

CompletionSample sample_of(const Row& row) {
  CompletionSample sample;
  sample.step = integer_of(row, "step", 0);
  sample.line = integer_of(row, "line", 0);
  sample.prompt = shown(text_of(row, "prompt"));
  sample.completion = shown(text_of(row, "completion"));
  sample.target = shown(text_of(row, "target"));
  sample.reward = *number_of(row, "reward");
  const std::string prefix = "rewards/";
  for (const auto& [name, value] : row.values())
    if (name.rfind(prefix, 0) == 0 && !std::holds_alternative<std::string>(value))
      sample.parts.emplace_back(name.substr(prefix.size()), row.number(name));
  sample.notes = text_of(row, "notes").substr(0, kMaxShownBytes);
  sample.length = integer_of(row, "length", 0);
  sample.is_finished = integer_of(row, "finished", 1) != 0;
  return sample;
}

// Keeps every n-th of a stream, n doubled whenever there are too many.
class Thinned {
 public:
  void add(const Row& row) {
    if (seen_++ % stride_ != 0) return;
    if (kept_.size() == kMaxKeptSamples) {
      for (size_t i = 0; 2 * i < kept_.size(); ++i) kept_[i] = std::move(kept_[2 * i]);
      kept_.resize(kMaxKeptSamples / 2);
      stride_ *= 2;
    }
    kept_.push_back(sample_of(row));
  }
  std::vector<CompletionSample> take() { return std::move(kept_); }

 private:
  uint64_t seen_ = 0;
  uint64_t stride_ = 1;
  std::vector<CompletionSample> kept_;
};

// The pieces of `text` between separators.
std::vector<std::string> split(const std::string& text, const std::string& separator) {
  std::vector<std::string> pieces;
  for (size_t begin = 0;;) {
    const size_t end = text.find(separator, begin);
    pieces.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) return pieces;
    begin = end + separator.size();
  }
}

// Notes are "part: a, b; other part: c".
void count_words(std::map<std::string, WordCount>& words, const std::string& notes,
                 bool is_training, const std::vector<std::string>& blocklists) {
  if (notes.empty()) return;
  for (const std::string& note : split(notes, "; "))
    for (const std::string& name : blocklists) {
      if (note.rfind(name + ": ", 0) != 0) continue;
      for (const std::string& word : split(note.substr(name.size() + 2), ", ")) {
        if (words.size() >= kMaxCountedWords && words.count(word) == 0) continue;
        WordCount& count = words[word];
        ++(is_training ? count.training : count.held_out);
      }
    }
}

// The evaluations of a run as they come by.
class Evaluations {
 public:
  void add(const Row& row, int64_t step) {
    if (step_ && *step_ != step) {
      if (!has_first_) first_ = std::move(current_);
      has_first_ = true;
      current_ = Thinned();
    }
    step_ = step;
    current_.add(row);
  }
  void take(CompletionLog& log) {
    log.first_evaluation = first_.take();
    log.last_evaluation = current_.take();
  }

 private:
  std::optional<int64_t> step_;
  bool has_first_ = false;
  Thinned first_;
  Thinned current_;
};

std::vector<const CompletionSample*> by_reward(const std::vector<CompletionSample>& samples) {
  std::vector<const CompletionSample*> order;
  for (const CompletionSample& sample : samples)
    if (!std::isnan(sample.reward)) order.push_back(&sample);
  std::stable_sort(order.begin(), order.end(),
                   [](const CompletionSample* a, const CompletionSample* b) {
                     return a->reward != b->reward ? a->reward > b->reward : a->line < b->line;
                   });
  return order;
}

}  // namespace

CompletionLog read_completions(const std::filesystem::path& file, int64_t training_from,
                               const std::vector<std::string>& blocklists) {
  CompletionLog log;
  Evaluations evaluations;
  Thinned training;
  read_rows(file, 0, [&](const Row& row) {
    ++log.count;
    const RowValue* step = row.find("step");
    const RowValue* completion = row.find("completion");
    if (step == nullptr || !std::holds_alternative<int64_t>(*step) || completion == nullptr ||
        !std::holds_alternative<std::string>(*completion) || !number_of(row, "reward"))
      return;
    const std::string phase = text_of(row, "phase");
    const int64_t at = std::get<int64_t>(*step);
    if (phase == "eval") evaluations.add(row, at);
    if (phase == "train" && at > training_from) training.add(row);
    count_words(log.words, text_of(row, "notes"), phase == "train", blocklists);
  });
  evaluations.take(log);
  log.training = training.take();
  return log;
}

std::vector<Pick> pick_samples(const std::vector<CompletionSample>& samples, size_t each) {
  const auto order = by_reward(samples);
  const size_t count = order.size();
  std::vector<Pick> picks;
  if (count == 0) return picks;
  const size_t ends = std::min(each, std::max<size_t>(1, count / 3));
  const size_t middles = std::min(ends, count - std::min(count, 2 * ends));
  const size_t middle = ends + (count - 2 * std::min(ends, count / 2) - middles) / 2;
  for (size_t i = 0; i < ends; ++i) picks.push_back({"best", order[i]});
  for (size_t i = 0; i < middles; ++i) picks.push_back({"median", order[middle + i]});
  for (size_t i = std::max(ends, count - ends); i < count; ++i)
    picks.push_back({"worst", order[i]});
  return picks;
}

}  // namespace pgtrain
