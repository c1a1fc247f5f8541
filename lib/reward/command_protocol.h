// The lines that pgtrain and a reward command exchange. Both directions are JSON Lines in UTF-8:
// one object a line, ended by a line feed.
//
// Request, on the command's stdin; all characters beyond ASCII are written as \uXXXX, so that the
// locale does not matter:
//   {"id": 17, "completion": "...", "prompt": "...", "target": "...", "targets": ["...", ...],
//    "fields": {...}, "batch_end": false}
//   id          counts up from 0; it only says which answer belongs to which request
//   completion  the text to score; bytes that are not UTF-8 have become U+FFFD
//   prompt      the record's prompt as the model sees it
//   target      the first of targets
//   targets     the record's target texts, at least one
//   fields      the whole record of the data file
//   batch_end   true in the last request of a batch. All requests of a batch are sent before an
//               answer is waited for, and none of the next batch before all answers have come: a
//               command may answer each request at once, or gather them up to this one.
// Answer, on the command's stdout, in any order within the batch:
//   {"id": 17, "reward": 0.5, "parts": {"spelling": 1, "length": 0}}
//   id          of the request
//   reward      a number, at most 1e6 in size
//   parts       optional: named numbers for reports; they do not change the reward
// Other keys are ignored. Exactly one answer a request, nothing else on stdout (messages go to
// stderr, which pgtrain logs), no line longer than 1 MiB. A command must flush its output after
// the last answer of a batch at the latest, and leave when its stdin ends.
//
// A reward must depend on nothing but the request, its id and its batch left aside: batches are cut
// and ordered differently by another number of threads, the command is started anew when it fails
// or the training is resumed, and only then does pgtrain make the same numbers again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "reward/reward.h"

namespace pgtrain {

struct CommandAnswer {
  double reward = 0;
  std::map<std::string, double> parts;
};

// The requests for a batch, with the ids first_id, first_id + 1, ...
std::string request_lines(const std::vector<RewardInput>& batch, int64_t first_id);

// Gathers the answers to the requests with the ids first_id, first_id + 1, ...
class AnswerSheet {
 public:
  AnswerSheet(int64_t first_id, size_t requests);

  // Throws DataError for a line that breaks the protocol. The message says what the command did,
  // without a subject: "answered id 17 twice".
  void add(std::string_view line);

  size_t requests() const { return answers_.size(); }
  size_t answered() const { return answered_; }
  bool is_complete() const { return answered_ == answers_.size(); }
  // In the order of the requests.
  std::vector<CommandAnswer> take() { return std::move(answers_); }

 private:
  int64_t first_id_;
  std::vector<CommandAnswer> answers_;
  std::vector<bool> has_answer_;
  size_t answered_ = 0;
};

}  // namespace pgtrain
